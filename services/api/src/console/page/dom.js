// Elements, made without markup: no text of a user ever becomes HTML.

const SVG = 'http://www.w3.org/2000/svg';

// h('button', {type: 'button', onclick}, 'text', child, …); attributes that are null or false are left out.
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

// Writes only what differs: what stands there already is not announced or painted again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  const text = String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

// Children in this order, moved no more than needed, so that focus and hover stay.
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const child of children) {
    if (child === place) {
      place = place.nextElementSibling;
    } else if (child.parentNode === parent && parent.moveBefore) {
      parent.moveBefore(child, place);
    } else {
      parent.insertBefore(child, place);
    }
  }
}

// For those who listen instead of look.
export function announce(text) {
  byId('live').textContent = text;
}
