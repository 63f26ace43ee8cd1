// Creating: from the golden path to a repository that can be cloned and a component in the catalog.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { caller, catalogIsRead, fillGoldenPath, followToSuccess, heading, pollRun, says } from './browser.mjs';

const run = promisify(execFile);

/** Clones as a person does, without any settings of whoever runs this. */
async function clone(url, to) {
  const env = { PATH: process.env.PATH, HOME: to, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  await run('git', ['clone', '--quiet', url, join(to, 'clone')], { env });
  return join(to, 'clone');
}

async function a_developer_creates_a_service_and_finds_it_everywhere({ browser, portal }) {
  const page = await browser.as('mara');
  await catalogIsRead(page);
  await page.goto('/scaffolder/templates/default/rust-http-service');

  // A wrong answer first: the page says what, where, and keeps the rest.
  await page.getByLabel('Name', { exact: true }).fill('Not A Name');
  await page.getByLabel('What it does').fill('Counts parcels at the door.');
  await page.getByRole('button', { name: 'Next: Name and place' }).click();
  const summary = page.getByRole('alert');
  await summary.waitFor();
  assert.match(await page.title(), /^Two answers need a change/);
  assert.equal(await page.getByLabel('What it does').inputValue(), 'Counts parcels at the door.');
  const name = page.getByLabel('Name', { exact: true });
  assert.equal(await name.getAttribute('aria-invalid'), 'true');
  assert.match(await name.getAttribute('aria-describedby'), /f-name-e/);
  // Each line of the summary puts the focus on its question.
  await summary.getByRole('link', { name: /^Name/ }).click();
  assert.ok(await name.evaluate((box) => box === document.activeElement), 'the link puts the focus on the name');
  await summary.getByRole('link', { name: /^Owner/ }).click();
  assert.ok(await page.evaluate(() => document.activeElement.name === 'owner'), 'the link puts the focus on the owner');

  await fillGoldenPath(page, { name: 'door-counter', description: 'Counts parcels at the door.' });
  await page.locator('.head .badge', { hasText: 'Allowed at once' }).waitFor();
  const tree = page.getByRole('navigation', { name: 'Files' });
  await tree.getByRole('link', { name: /^Cargo\.toml/ }).waitFor();
  await tree.getByRole('link', { name: /^catalog-info\.yaml/ }).click();
  const content = page.getByRole('region', { name: 'Contents of catalog-info.yaml' });
  await content.waitFor();
  assert.match(await content.innerText(), /name: door-counter/);
  await page.getByRole('region', { name: 'What will be done' }).getByText(/door-counter/).first().waitFor();
  assert.match(await page.getByRole('region', { name: 'Your answers' }).innerText(), /Counts parcels at the door\./);

  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await heading(page, 'Create door-counter');
  // The page must get there by itself: were it loaded again, this mark would be gone.
  await page.evaluate(() => { globalThis.neverLoadedAgain = true; });
  await followToSuccess(page);
  assert.ok(await page.evaluate(() => globalThis.neverLoadedAgain), 'the page was not loaded again');
  assert.match(await page.title(), /^Succeeded/);
  await page.getByRole('log').getByText(/door-counter/).first().waitFor();

  const outputs = page.getByRole('region', { name: 'Outputs' });
  await outputs.getByRole('link', { name: /repository/i }).click();
  await heading(page, 'door-counter');
  await page.getByRole('link', { name: 'Cargo.toml', exact: true }).waitFor();
  const command = await page.getByLabel('Over HTTP').inputValue();
  const folder = await clone(command.replace('git clone ', ''), portal.dir);
  assert.ok((await readdir(folder)).includes('chart'), 'the clone holds the chart');
  assert.match(await readFile(join(folder, 'Cargo.toml'), 'utf8'), /name = "door-counter"/);

  // The service and its API carry the same name; the filter of the address tells them apart.
  await page.goto('/catalog?kind=component&q=door-counter');
  await page.getByRole('table').getByRole('link', { name: 'door-counter', exact: true }).click();
  await heading(page, 'door-counter');
  await says(page, 'Counts parcels at the door.');
  await page.getByRole('region', { name: 'Relations', exact: true }).waitFor();
  await page.goto('/requests/runs?view=mine');
  await page.getByRole('link', { name: 'Create door-counter' }).waitFor();
}

async function a_service_is_created_without_any_script({ browser }) {
  const page = await browser.as('mara', { javaScriptEnabled: false });
  await catalogIsRead(page);
  await fillGoldenPath(page, { name: 'plain-counter' });
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await heading(page, 'Create plain-counter');
  const badge = page.locator('.head .badge');
  for (let looks = 0; looks < 300 && (await badge.innerText()) !== 'Succeeded'; looks += 1) {
    assert.notEqual(await badge.innerText(), 'Failed');
    await page.waitForTimeout(200);
    // The way on that the page itself offers; gone when there is nothing more to wait for.
    const again = page.getByRole('link', { name: 'Look again' });
    if (await again.isVisible()) await again.click();
    else await page.reload();
  }
  assert.equal(await badge.innerText(), 'Succeeded');
  await page.getByRole('region', { name: 'Outputs' }).getByRole('link', { name: /catalog/i }).click();
  await heading(page, 'plain-counter');
}

async function a_script_creates_a_service_with_a_token({ browser, portal }) {
  const page = await browser.as('mara');
  await catalogIsRead(page);
  await page.goto('/login/tokens');
  await page.getByLabel('Name', { exact: true }).fill('pipeline');
  await page.getByLabel('Days').fill('1');
  for (const scope of ['See templates', 'Create from a template', 'See requests and runs', 'Read the catalog']) {
    await page.getByRole('checkbox', { name: scope }).check();
  }
  await page.getByRole('button', { name: 'Make token' }).click();
  const token = await page.locator('.notice--good code').innerText();
  assert.match(token, /^slw_/);
  await page.goto('/login/tokens');
  assert.equal(await page.getByText(token).count(), 0, 'a token is shown once');

  const api = caller(portal.base, token);
  const template = '/templates/default/rust-http-service';
  const values = {
    name: 'script-counter',
    description: 'Counts what scripts have made.',
    owner: 'group:default/tracking',
    tier: '2',
    repoUrl: 'github.com?owner=tidepost&repo=script-counter',
    port: 8080,
    replicas: 2,
  };
  assert.equal((await caller(portal.base)('POST', `${template}/plan`, { values })).status, 401, 'not without a token');
  const wrong = await api('POST', `${template}/plan`, { values: { ...values, port: 80 } });
  assert.equal(wrong.status, 422);
  assert.match(JSON.stringify(wrong.body), /port/);

  const plan = await api('POST', `${template}/plan`, { values });
  assert.equal(plan.status, 200, JSON.stringify(plan.body));
  assert.equal(plan.body.decision.decision, 'allow');
  assert.match(plan.body.contents['Cargo.toml'], /script-counter/);

  const stale = await api('POST', `${template}/requests`, { values, plan_hash: '0'.repeat(64) });
  assert.equal(stale.status, 409, 'another plan than the one that was seen is refused');
  const created = await api('POST', `${template}/requests`, { values, plan_hash: plan.body.hash });
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const done = await pollRun(api, created.body.run_id);
  assert.equal(done.state, 'succeeded', done.outcome);
  assert.equal((await api('GET', '/entities/component/default/script-counter')).status, 200);
  assert.equal((await api('POST', '/tokens', { name: 'more', scopes: ['*'] })).status, 403, 'a token does not do what it was not given');

  await page.getByRole('button', { name: 'Revoke pipeline' }).click();
  await says(page, /^Revoked/);
  assert.equal((await api('GET', '/me')).status, 401, 'a revoked token is refused');
}

async function creating_for_another_team_waits_for_that_team({ browser, portal }) {
  const mara = await browser.as('mara');
  await catalogIsRead(mara);
  await fillGoldenPath(mara, { name: 'door-bell', team: 'Last mile' });
  await mara.locator('.head .badge', { hasText: 'Needs an answer' }).waitFor();
  assert.equal(await mara.getByRole('button', { name: 'Create', exact: true }).count(), 0);
  await mara.getByLabel(/^Why do you ask/).fill('Couriers ring at the wrong door.');
  await mara.getByRole('button', { name: 'Ask Last mile' }).click();
  await heading(mara, 'Create door-bell');
  await mara.locator('.head .badge', { hasText: 'Waits for an answer' }).waitFor();
  const address = new URL(mara.url()).pathname;

  // Whoever asks never decides: no button, and no way past the missing button.
  assert.equal(await mara.getByRole('button', { name: /Approve/ }).count(), 0);
  const own = await mara.request.post(`${address}/answer`, { form: { verdict: 'approve' }, headers: { origin: portal.base } });
  assert.equal(own.status(), 403);
  const jonas = await browser.as('jonas');
  const answer = await jonas.request.post(`${address}/answer`, { form: { verdict: 'approve' }, headers: { origin: portal.base } });
  assert.ok([403, 404].includes(answer.status()), `somebody of another team is refused, not ${answer.status()}`);

  const tomas = await browser.as('tomas');
  await tomas.goto('/');
  await tomas.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /^Requests 1 waiting for you/ }).click();
  await tomas.getByRole('link', { name: 'Create door-bell' }).click();
  await says(tomas, 'Couriers ring at the wrong door.');
  await tomas.getByLabel(/^Reason/).fill('Agreed, we answer for it.');
  await tomas.getByRole('button', { name: 'Approve and start' }).click();
  await says(tomas, /The work starts by itself/);
  // A worker starts it in the next moment; until then the page offers to look again.
  const run = tomas.getByRole('link', { name: 'Run', exact: true });
  for (let looks = 0; looks < 100 && !(await run.isVisible()); looks += 1) {
    await tomas.waitForTimeout(100);
    await tomas.goto(address);
  }
  await run.click();
  await followToSuccess(tomas);

  await mara.goto(address);
  await mara.locator('.head .badge', { hasText: 'Done' }).waitFor();
  await says(mara, 'Agreed, we answer for it.');
  await mara.goto('/catalog?q=door-bell');
  await mara.getByRole('table').getByRole('link', { name: 'Last mile', exact: true }).first().waitFor();
}

/** In the order in which they are walked. */
export const journeys = [
  a_developer_creates_a_service_and_finds_it_everywhere,
  a_service_is_created_without_any_script,
  a_script_creates_a_service_with_a_token,
  creating_for_another_team_waits_for_that_team,
];
