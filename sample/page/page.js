const find = (id) => document.getElementById(id);

/** The page to return to after the login. Only on this host: `//host` and `/\host` are other hosts. */
const [next] = /^\/(?![/\\])[!-~]*$/.exec(new URLSearchParams(location.search).get('next')) ?? [];

async function show() {
  try {
    await load();
    find('status').textContent = '';
  } catch {
    find('status').textContent = 'The host is away: what you do is kept, and sent when it is back.';
  }
}

async function load() {
  const [me, mine] = await Promise.all(['/auth/me', '/mine'].map(async (url) => (await fetch(url)).json()));
  find('who').textContent = me.username ?? 'not logged in';
  find('activities').replaceChildren(...mine.map(row));
}

function row({ date, name, path, properties, userName, visitId, session, ipAddress }) {
  const cells = [
    new Date(date).toLocaleString(),
    name,
    path,
    properties && JSON.stringify(properties),
    userName,
    visitId,
    session?.browser,
    ipAddress,
  ];
  const tr = document.createElement('tr');
  tr.append(
    ...cells.map((text) => {
      const td = document.createElement('td');
      td.textContent = text ?? '–';
      return td;
    }),
  );
  return tr;
}

async function logIn(form) {
  const response = await fetch('/auth/login', {
    method: 'POST',
    body: new URLSearchParams(new FormData(form)),
  });
  if (!response.ok) {
    find('status').textContent = 'wrong user or password';
    return;
  }
  await djaffar.track('login');
  if (next) location.assign(next);
}

function choose(username) {
  const { elements } = find('login');
  elements.username.value = username;
  elements.password.value = elements.username.selectedOptions[0].dataset.password;
}

async function logOut() {
  await fetch('/auth/logout', { method: 'POST' });
  await djaffar.track('logout');
}

find('login').addEventListener('change', ({ target }) => {
  if (target.name === 'username') choose(target.value);
});
find('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void logIn(event.target);
});
find('logout').addEventListener('click', () => void logOut());
// Reloads the list after each request of the tracker.
new PerformanceObserver((list) => {
  if (list.getEntries().some(({ name }) => name.endsWith('/djaffar/track/'))) void show();
}).observe({ type: 'resource' });
choose(next ? 'ada' : 'jeff');
void show();
