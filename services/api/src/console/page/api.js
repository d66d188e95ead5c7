// Requests: to the public API in the name of a user, and to the console's own routes.

const LIMIT_MS = 10_000;
// A token is renewed a while before it ends.
const RENEW_MS = 60_000;

const tokens = new Map();

// An answer that is no success, in the words of its problem document.
export class Problem extends Error {
  constructor(status, document) {
    super(document?.detail ?? document?.title ?? `HTTP ${status}`);
    this.status = status;
  }
}

async function tokenOf(user) {
  const known = tokens.get(user);
  if (known && known.until > Date.now()) return known.token;
  const { token, expires_in } = (await consoleApi('POST', `users/${user}/token`)).body;
  tokens.set(user, { token, until: Date.now() + expires_in * 1000 - RENEW_MS });
  return token;
}

// The API as `user`; `path` below /api/v1. Gives {body, headers, ms}: milliseconds until the whole answer was here.
export async function api(user, method, path) {
  const authorization = `Bearer ${await tokenOf(user)}`;
  try {
    return await send(method, `/api/v1/${path}`, { authorization });
  } catch (problem) {
    if (problem.status === 401) tokens.delete(user);
    throw problem;
  }
}

export const consoleApi = (method, path) => send(method, `/console/api/${path}`, {});

async function send(method, url, headers) {
  const begun = performance.now();
  let response;
  let text;
  try {
    response = await fetch(url, { method, headers, signal: AbortSignal.timeout(LIMIT_MS) });
    text = await response.text();
  } catch (error) {
    throw new Problem(0, { title: error.name === 'TimeoutError' ? 'No answer in time' : 'Nova cannot be reached' });
  }
  const ms = performance.now() - begun;
  const body = parsed(text);
  if (!response.ok) throw new Problem(response.status, body);
  return { body, headers: response.headers, ms };
}

function parsed(text) {
  try {
    return text === '' ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
