// How long an effect takes to be seen.

import { api } from './api.js';

const LIMIT_MS = 10_000;
// Twenty-five questions a second stay far below the API's rate for one user.
const EVERY_MS = 40;
const PAGE = 100;

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

export const feedOf = async (user) => (await api(user, 'GET', `feed?limit=${PAGE}`)).body;

// Sends a request and looks, from the same moment on, until `seen` says so: {request, visible}, in milliseconds from the
// moment the request left. `visible` is null when it was not seen in ten seconds; `request` alone when it was refused.
export async function measure(request, seen) {
  const begun = performance.now();
  const limit = begun + LIMIT_MS;
  let refused = false;
  const sending = request().catch((problem) => { refused = true; throw problem; });
  const looking = (async () => {
    while (performance.now() < limit && !refused) {
      // A feed that cannot be had now may be there the next time.
      if (await seen().catch(() => false)) return performance.now() - begun;
      await pause(EVERY_MS);
    }
    return null;
  })();
  const { ms } = await sending;
  return { request: ms, visible: looking };
}
