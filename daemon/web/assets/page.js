// The page works without this script. It keeps the page current: whenever the program publishes a
// new status it fetches the same page again and takes over the parts that changed.
'use strict';

const byId = id => document.getElementById(id);
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
const parts = root => [...root.querySelectorAll('[data-part]')];
const source = part => part.outerHTML.replace(/(<time [^>]*>)[^<]*/g, '$1');

function span(s) {
  if (s < 60) return `${s} s`;
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

// replace swaps one part, and keeps what the reader opened, focused or is just selecting.
function replace(old, part) {
  const selection = getSelection();
  if (!selection.isCollapsed && selection.intersectsNode?.(old)) return false;
  if (!selection.isCollapsed && old.contains(selection.anchorNode)) return false;
  for (const d of part.querySelectorAll('details[id]')) {
    const before = byId(d.id);
    if (before) d.open = before.open;
  }
  const focus = old.contains(document.activeElement) ? document.activeElement.id : '';
  old.replaceWith(part);
  if (focus) byId(focus)?.focus({preventScroll: true});
  return true;
}

function takeOver(page) {
  const fresh = page.getElementById('main');
  if (!fresh) return;
  const headline = node => [...node.querySelectorAll('.hero .word strong, .hero h2')].map(e => e.textContent).join('. ');
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
  if (was !== is) byId('say').textContent = is;
  document.title = page.title;
  const icon = page.getElementById('icon').getAttribute('href');
  if (byId('icon').getAttribute('href') !== icon) byId('icon').setAttribute('href', icon);
  const button = byId('refresh');
  button.disabled = false;
  setText(button, 'Look again');
}

function remember(root) {
  shown.clear();
  for (const p of parts(root)) shown.set(p.dataset.part, source(p));
}

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
      takeOver(new DOMParser().parseFromString(await answer.text(), 'text/html'));
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
  for (const t of document.querySelectorAll('time')) setText(t, relative(Date.parse(t.dateTime) - now - skew));
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

async function copy(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    const area = document.createElement('textarea'); // pages that are not on localhost have no clipboard
    area.value = button.dataset.copy;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
    button.focus();
  }
  button.textContent = 'Copied';
  byId('say').textContent = 'Address copied';
  setTimeout(() => { button.textContent = 'Copy'; }, 2000);
}

document.addEventListener('click', event => {
  const button = event.target.closest('[data-copy]');
  if (button) copy(button);
});

byId('refresh').form.addEventListener('submit', event => {
  event.preventDefault();
  const button = byId('refresh');
  button.disabled = true;
  setText(button, 'Looking…');
  fetch('/api/v1/refresh', {method: 'POST'}).finally(() => setTimeout(update, 1500));
});

skew = main.dataset.now - Date.now();
remember(main);
tick();
setInterval(tick, 1000);
setInterval(ask, askEvery);
if (!document.hidden) connect();
