// The page works without this script. It keeps the page current: whenever the program publishes a
// new status it fetches the same page again and takes over the parts that changed.
'use strict';

const byId = id => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const main = byId('main');
const live = byId('live');
const staleAfter = 10_000; // ms without a word before the page turns grey
const askEvery = 5_000;    // ms between two questions whether the program lives

let stream = null;
let heard = Date.now();    // when the program last gave a word
let skew = 0;              // its clock minus ours
let busy = false, again = false;
const shown = new Map();   // part -> HTML as the server sent it

document.documentElement.classList.add('script');

// parts lists what can be replaced; a part's text without the moving times tells whether it changed.
const parts = root => all('[data-part]', root);
const source = part => part.outerHTML.replace(/(<time [^>]*>)[^<]*/g, '$1');

function span(s) {
  if (s < 60) return `${Math.max(s, 0)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86400)} days`;
}

function relative(ms) {
  const s = Math.round(ms / 1000);
  return s >= 2 ? `in ${span(s)}` : s > -2 ? 'now' : `${span(-s)} ago`;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const say = text => { byId('say').textContent = text; };

// replace swaps one part, and keeps what the reader opened, chose, focused or is just selecting.
function replace(old, part) {
  const selection = getSelection();
  if (!selection.isCollapsed && (selection.intersectsNode?.(old) || old.contains(selection.anchorNode))) return false;
  for (const d of all('details[id]', part)) {
    const before = byId(d.id);
    if (before) d.open = before.open;
  }
  if (part.matches('details') && old.matches('details')) part.open = old.open;
  const day = old.querySelector('[type=range]');
  if (day && day.value !== day.max) part.querySelector('[type=range]').value = day.value;
  const focus = old.contains(document.activeElement) ? document.activeElement.id : '';
  old.replaceWith(part);
  if (focus) byId(focus)?.focus({preventScroll: true});
  return true;
}

function takeOver(html) {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const fresh = page.getElementById('main');
  if (!fresh) return;
  const headline = node => all('.hero .word strong, .hero h2', node).map(e => e.textContent).join('. ');
  const was = headline(main), is = headline(fresh);
  skew = fresh.dataset.now - Date.now();

  const names = root => parts(root).map(p => p.dataset.part).join();
  if (names(main) !== names(fresh)) {
    main.replaceChildren(...fresh.childNodes);
    remember(main);
  } else {
    const old = parts(main);
    parts(fresh).forEach((part, i) => {
      const html = source(part);
      if (shown.get(part.dataset.part) === html) return;
      if (replace(old[i], part)) shown.set(part.dataset.part, html);
    });
  }
  dress();
  if (was !== is) say(is);
  document.title = page.title;
  const icon = page.getElementById('icon').getAttribute('href');
  if (byId('icon').getAttribute('href') !== icon) byId('icon').setAttribute('href', icon);
  const button = byId('refresh');
  button.disabled = false;
  setText(button, page.getElementById('refresh').textContent);
}

function remember(root) {
  shown.clear();
  for (const p of parts(root)) shown.set(p.dataset.part, source(p));
}

// dress adds what only a script can: which address was copied last, and a day's hours.
function dress() {
  for (const button of all('[data-copy]')) {
    const copied = keep(button.dataset.port);
    button.closest('.offer').querySelector('.changed').hidden = !copied || copied === button.dataset.copy;
  }
  all('.days').forEach(showDay);
}

// keep reads, or with a second argument writes, which address of a port was copied last.
function keep(port, address) {
  try {
    if (address !== undefined) localStorage.setItem(`copied ${port}`, address);
    return localStorage.getItem(`copied ${port}`);
  } catch { return null; } // a browser that keeps nothing
}

function showDay(card) {
  const range = card.querySelector('[type=range]');
  const day = card.querySelectorAll('li[data-hours]')[range.max - range.value]; // newest first
  if (!day) return;
  range.setAttribute('aria-valuetext', day.textContent);
  const make = (name, className, text = '') => Object.assign(document.createElement(name), {className, textContent: text});
  const strip = make('div', 'strip');
  [...day.dataset.hours].forEach((k, hour) => {
    const cell = make('span', `k-${k}`);
    cell.title = `${hour}:00 ${{o: 'open', p: 'shut for a part of it', s: 'shut', u: 'not watched'}[k]}`;
    strip.append(cell);
  });
  strip.setAttribute('aria-hidden', 'true');
  const hours = make('div', 'hours');
  hours.setAttribute('aria-hidden', 'true');
  hours.append(...['0:00', '6:00', '12:00', '18:00', '24:00'].map(h => make('span', '', h)));
  card.querySelector('.day').replaceChildren(make('p', '', day.textContent), strip, hours);
}

document.addEventListener('input', event => {
  if (event.target.matches('.days [type=range]')) showDay(event.target.closest('.days'));
});

document.addEventListener('pointermove', event => {
  const bars = event.target.closest?.('.bars');
  if (!bars) return;
  const range = bars.closest('.days').querySelector('[type=range]');
  const box = bars.getBoundingClientRect();
  const day = String(Math.floor((event.clientX - box.left) / box.width * (+range.max + 1)));
  if (range.value === day) return;
  range.value = day;
  showDay(bars.closest('.days'));
});

async function update() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  do {
    again = false;
    try {
      const answer = await fetch(location.pathname + location.search);
      if (!answer.ok) break;
      takeOver(await answer.text());
      word();
    } catch { /* tick turns the page grey */ }
  } while (again);
  busy = false;
}

function word() {
  heard = Date.now();
  tick();
}

function tick() {
  const now = Date.now();
  for (const t of all('time')) {
    const ms = Date.parse(t.dateTime) - now - skew;
    setText(t, 'count' in t.dataset ? span(Math.floor(-ms / 1000)) : relative(ms));
  }
  const silent = now - heard;
  const stale = silent > staleAfter;
  document.documentElement.classList.toggle('stale', stale);
  setText(live, stale ? `No word for ${span(Math.floor(silent / 1000))}. Is Portsitter still running?` : 'Live');
}

// ask finds out whether the program still lives, and stands in for a stream that was refused.
async function ask() {
  if (document.hidden) return;
  try {
    if ((await fetch('/healthz')).ok) word();
  } catch { return; }
  if (stream?.readyState === EventSource.CLOSED) {
    connect();
    update();
  }
}

function connect() {
  stream?.close();
  stream = new EventSource('/api/v1/events');
  stream.addEventListener('status', () => {
    word();
    update();
  });
}

// A tab nobody looks at holds no stream: browsers allow only six connections to one host.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    stream?.close();
    stream = null;
    return;
  }
  heard = Date.now();
  connect();
});

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea'); // pages that are not on localhost have no clipboard
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
    button.focus();
  }
  if (button.dataset.was === undefined) {
    button.dataset.was = button.innerText;
    setTimeout(() => {
      button.textContent = button.dataset.was;
      delete button.dataset.was;
    }, 2000);
  }
  button.textContent = 'Copied';
}

document.addEventListener('click', async event => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const button = event.target.closest('[data-copy], [data-swap], #support');
  if (!button) return;
  if ('copy' in button.dataset) {
    await copy(button, button.dataset.copy);
    keep(button.dataset.port, button.dataset.copy);
    dress();
    say('Address copied');
    return;
  }
  event.preventDefault();
  if ('swap' in button.dataset) {
    history.replaceState(null, '', button.href);
    update();
    return;
  }
  try {
    const answer = await fetch(button.href);
    if (!answer.ok) throw 0;
    await copy(button, await answer.text());
    say('Support text copied');
  } catch { location.href = button.href; }
});

// A form answers with the page as it is then, perhaps with a question on it, or with what is wrong.
document.addEventListener('submit', async event => {
  const form = event.target, button = form.querySelector('button');
  event.preventDefault();
  button.disabled = true;
  if (button.id === 'refresh') setText(button, 'Asking…');
  try {
    const answer = await fetch(form.action, {method: 'POST', headers: {Accept: 'text/html'}});
    const text = await answer.text();
    if (answer.ok && button.id === 'refresh') {
      setTimeout(update, 1500);
    } else if (answer.ok) {
      history.replaceState(null, '', answer.url);
      takeOver(text);
    } else {
      const oops = Object.assign(document.createElement('p'), {className: 'oops', textContent: text});
      oops.setAttribute('role', 'alert');
      form.querySelector('.oops')?.remove();
      form.append(oops);
    }
  } catch { /* tick turns the page grey */ }
  if (button.id !== 'refresh') button.disabled = false;
});

skew = main.dataset.now - Date.now();
remember(main);
dress();
tick();
setInterval(tick, 1000);
setInterval(ask, askEvery);
if (!document.hidden) connect();
