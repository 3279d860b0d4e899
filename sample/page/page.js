const find = (id) => document.getElementById(id);

/** Each activity has its id from the start, so that sending it again would do no harm. */
async function track(name, properties) {
  const date = new Date().toISOString();
  const activity = {
    id: crypto.randomUUID?.(),
    date,
    sentAt: date,
    name,
    path: location.hash.slice(1) || '/',
    referer: document.referrer,
    properties,
  };
  const response = await fetch('/djaffar/track/', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(activity),
  });
  find('status').textContent = response.ok ? '' : `not tracked: ${response.status}`;
  await show();
}

async function show() {
  const [me, mine] = await Promise.all(['/auth/me', '/mine'].map(async (url) => (await fetch(url)).json()));
  find('who').textContent = me.username ?? 'not logged in';
  find('activities').replaceChildren(...mine.map(row));
}

function row({ date, name, path, userName, visitId, session, ipAddress }) {
  const cells = [new Date(date).toLocaleString(), name, path, userName, visitId, session?.browser, ipAddress];
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
  if (response.ok) await track('login');
  else find('status').textContent = 'wrong user or password';
}

async function logOut() {
  await fetch('/auth/logout', { method: 'POST' });
  await track('logout');
}

addEventListener('hashchange', () => void track('view'));
addEventListener('click', (event) => {
  const target = event.target.closest('a, button');
  if (target) void track('click', { text: target.textContent.trim() });
});
find('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void logIn(event.target);
});
find('logout').addEventListener('click', () => void logOut());
void track('view');
