// A searchable list of users (the combobox pattern of ARIA).

import { consoleApi } from './api.js';
import { h, setAttribute } from './dom.js';
import { count } from './text.js';

const WAIT_MS = 120;

export class Picker {
  // Calls `chosen` with the user; `label` says what they are chosen for.
  constructor(root, label, chosen) {
    this.chosen = chosen;
    this.user = null;
    this.found = [];
    this.active = -1;
    this.asked = 0;
    this.entered = false;
    const name = root.id;
    this.input = h('input', {
      id: `${name}-input`, type: 'text', role: 'combobox', autocomplete: 'off', spellcheck: 'false',
      placeholder: 'handle, name or id', 'aria-expanded': 'false', 'aria-controls': `${name}-list`,
      'aria-autocomplete': 'list',
    });
    this.list = h('ul', { id: `${name}-list`, role: 'listbox', 'aria-label': label, hidden: true });
    root.append(h('label', { for: this.input.id }, label), this.input, this.list);
    this.input.addEventListener('focus', () => { this.input.select(); this.search(''); });
    this.input.addEventListener('blur', () => this.close());
    this.input.addEventListener('input', () => {
      this.forget();
      this.timer = setTimeout(() => this.search(this.input.value), WAIT_MS);
    });
    this.input.addEventListener('keydown', (event) => this.key(event));
    // Before the input loses its focus.
    this.list.addEventListener('mousedown', (event) => {
      event.preventDefault();
      const option = event.target.closest('[role=option]');
      if (option) this.choose(this.found[Number(option.dataset.index)]);
    });
  }

  async search(text) {
    const asked = ++this.asked;
    let found = [];
    let trouble = null;
    try {
      found = (await consoleApi('GET', `users?limit=50&q=${encodeURIComponent(text)}`)).body;
    } catch (problem) {
      trouble = problem.message;
    }
    // A later question has been asked meanwhile, or nobody waits any more.
    if (asked !== this.asked || document.activeElement !== this.input) return;
    this.found = found;
    this.active = found.findIndex((user) => user.user_id === this.user?.user_id);
    this.list.replaceChildren(...found.map((user, index) => option(this.list.id, user, index)));
    if (found.length === 0) {
      this.list.append(h('li', { class: 'none', role: 'option', 'aria-disabled': 'true' }, trouble ?? 'Nobody like that.'));
    }
    this.list.hidden = false;
    setAttribute(this.input, 'aria-expanded', true);
    this.mark();
    if (this.entered) this.choose(found[0]);
    this.entered = false;
  }

  // What was found for another text is nothing to choose from: the list comes back with the answer.
  forget() {
    this.asked += 1;
    clearTimeout(this.timer);
    this.found = [];
    this.active = -1;
    this.entered = false;
    this.list.hidden = true;
    setAttribute(this.input, 'aria-expanded', false);
    this.input.removeAttribute('aria-activedescendant');
  }

  key(event) {
    const last = this.found.length - 1;
    if (event.key === 'ArrowDown' && !this.list.hidden) this.active = Math.min(last, this.active + 1);
    else if (event.key === 'ArrowUp' && !this.list.hidden) this.active = Math.max(0, this.active - 1);
    else if (event.key === 'Enter' && !this.list.hidden) this.choose(this.found[Math.max(0, this.active)]);
    // Typed faster than answered: the first of what is found.
    else if (event.key === 'Enter') this.entered = true;
    else if (event.key === 'Escape') this.close();
    else return;
    event.preventDefault();
    this.mark();
  }

  mark() {
    for (const [index, child] of [...this.list.children].entries()) {
      setAttribute(child, 'aria-selected', index === this.active);
      if (index === this.active) child.scrollIntoView({ block: 'nearest' });
    }
    const active = this.list.children[this.active];
    if (active && !this.list.hidden) this.input.setAttribute('aria-activedescendant', active.id);
    else this.input.removeAttribute('aria-activedescendant');
  }

  close() {
    this.forget();
    this.input.value = this.user ? `@${this.user.handle}` : '';
  }

  choose(user) {
    if (!user) return;
    this.show(user);
    this.close();
    this.chosen(user);
  }

  // As chosen, without telling anybody.
  show(user) {
    this.user = user;
    // Somebody is typing: the name comes back when they leave.
    if (document.activeElement !== this.input) this.input.value = `@${user.handle}`;
    this.input.title = user.display_name;
  }
}

function option(list, user, index) {
  const counts = `${count(user.following)} following · ${count(user.followers)} followers · ${count(user.posts)} posts · ${count(user.likes)} likes`;
  return h('li', { id: `${list}-${index}`, role: 'option', 'data-index': index, 'data-user': user.user_id },
    h('b', {}, `@${user.handle}`), ' ', h('span', {}, user.display_name), h('small', {}, counts));
}
