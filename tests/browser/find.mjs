// Finding things: who owns what, what it relates to, what is wrong with it; and the frame around all pages.
import assert from 'node:assert/strict';
import { allInCatalog, catalogIsRead, heading, says, tabTo } from './browser.mjs';

async function a_developer_signs_in_and_finds_an_api_with_its_problem({ browser }) {
  const page = await browser.stranger();
  await page.goto('/');
  // Whoever is not signed in is led to the door, and through it to where they wanted to go.
  await page.waitForURL(/\/login/);
  await heading(page, 'Sign in');
  await page.getByRole('button', { name: 'Sign in as Mara Lindqvist' }).click();
  await page.waitForURL('/');

  await heading(page, 'Home');
  await catalogIsRead(page);
  await page.goto('/');
  const mine = page.getByRole('region', { name: 'Components of Tracking' });
  for (const name of ['tracking-api', 'tracking-web', 'webhook-relay', 'event-ingest']) {
    await mine.getByRole('link', { name, exact: true }).waitFor();
  }

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Catalog' }).click();
  await heading(page, 'Catalog');
  const all = await allInCatalog(page);
  assert.ok(all >= 137, `the example has 137 entities or more, the catalog shows ${all}`);
  await says(page, `1 – 25 of ${all} entities`);

  // A facet's count is what clicking it finds.
  const facet = page.locator('.facet', { hasText: 'Component' }).first();
  const components = Number(await facet.locator('.facet__count').innerText());
  await facet.click();
  await page.waitForURL(/kind=component/);
  await says(page, new RegExp(`1 – 25 of ${components} `));
  await page.locator('.facet', { hasText: 'Tracking' }).first().click();
  await page.waitForURL(/owner=/);
  await says(page, /1 – 7 of 7 /);
  assert.equal(await page.locator('.chip').count(), 2, 'both filters stand as chips that can be taken off');
  // The filters live in the address: opening it again shows the same.
  await page.goto(page.url());
  await says(page, /1 – 7 of 7 /);
  await page.getByRole('link', { name: 'Clear', exact: true }).click();
  await says(page, `1 – 25 of ${all} entities`);

  await page.getByRole('searchbox', { name: 'Search the catalog' }).fill('tracking-api');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=tracking-api/);
  await page.getByRole('table').getByRole('link', { name: 'tracking-api', exact: true }).click();

  await heading(page, 'tracking-api');
  const relations = page.getByRole('region', { name: 'Relations', exact: true });
  await relations.getByRole('group', { name: 'Relations of tracking-api' }).waitFor();
  await relations.getByText('As a list').click();
  for (const name of ['parcel-timeline', 'eta-service', 'tracking-db']) {
    await relations.locator('dl').getByRole('link', { name, exact: true }).waitFor();
  }
  await page.getByRole('link', { name: 'One problem' }).click();
  await says(page, /geo-indx/);
  await says(page, /line 24, column 9/);
}

async function a_developer_finds_their_way_with_the_keyboard_only({ browser }) {
  const page = await browser.as('mara');
  await catalogIsRead(page);
  await page.keyboard.press('/');
  const search = page.getByRole('searchbox', { name: 'Search the catalog' });
  assert.ok(await search.evaluate((box) => box === document.activeElement), '"/" puts the focus into the search box');
  await page.keyboard.type('tracking');
  await page.keyboard.press('Enter');
  await page.waitForURL(/q=tracking/);

  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip', 'the first stop is the way past the navigation');
  await page.keyboard.press('Enter');
  await tabTo(page, ({ class: name, text }) => name === 'facet' && text.startsWith('Component'));
  await page.keyboard.press('Enter');
  await page.waitForURL(/kind=component/);
  await tabTo(page, ({ text, href }) => text === 'tracking-api' && href.startsWith('/catalog/component/'));
  await page.keyboard.press('Enter');
  await heading(page, 'tracking-api');
  // The drawing is not a picture only: its nodes are stops that lead on.
  await tabTo(page, ({ href }) => href === '/catalog/component/default/eta-service');
  await page.keyboard.press('Enter');
  await heading(page, 'eta-service');
  // The menu of the person opens and closes by key.
  await tabTo(page, ({ class: name }) => name === 'menu__button');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Sign out', exact: true }).waitFor();
}

async function the_theme_stays_as_chosen_and_signing_out_ends_the_session({ browser, portal }) {
  const page = await browser.stranger({ colorScheme: 'light' });
  await page.goto('/login?next=/catalog');
  await page.getByRole('button', { name: 'Sign in as Noor Haddad' }).click();
  await page.waitForURL('/catalog');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();

  const choose = async (theme) => {
    await page.locator('.menu__button').click();
    await page.getByRole('button', { name: theme, exact: true }).click();
    await page.waitForURL('/catalog');
  };
  await choose('Dark');
  const dark = await ground();
  assert.notEqual(dark, light, 'the page is dark now');
  await page.goto('/scaffolder');
  assert.equal(await ground(), dark, 'another page is dark too');
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  await page.goto('/catalog');
  await choose('As the system');
  assert.equal(await ground(), light, 'the system decides again');

  const cookies = await page.context().cookies();
  await page.locator('.menu__button').click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await heading(page, 'Sign in');
  await page.goto('/catalog');
  await page.waitForURL(/\/login/);
  // A copy of the cookie is worth nothing either: the session has ended on the portal's side.
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const answer = await fetch(`${portal.base}/api/v1/me`, { headers: { cookie } });
  assert.equal(answer.status, 401);
}

async function a_wrong_address_says_so_and_leads_on({ browser }) {
  const page = await browser.as('mara');
  for (const [path, status] of [
    ['/catalog/component/default/no-such-thing', 404],
    ['/no/such/page', 404],
    ['/git/tidepost/no-such-repository', 404],
    ['/requests/01890000-0000-7000-8000-000000000000', 404],
    ['/requests/runs/not-an-id', 404],
    ['/admin', 403],
  ]) {
    const answer = await page.goto(path);
    assert.equal(answer.status(), status, `${path} answers ${status}`);
    const id = answer.headers()['x-request-id'];
    assert.match(id, /^[0-9a-f-]{36}$/);
    await says(page, id);
    assert.ok((await page.locator('h1').innerText()).length > 5, `${path} has a title`);
    assert.ok(await page.locator('main .actions a').count() > 0, `${path} offers a way on`);
  }
  await page.goto('/catalog/component/default/no-such-thing');
  await page.locator('main .actions a').first().click();
  await page.locator('h1').waitFor();
  assert.equal(new URL(page.url()).pathname, '/catalog');
}

async function the_links_of_a_readme_and_of_the_docs_lead_somewhere({ browser }) {
  // Some pages of the docs lead to pages of admins.
  const page = await browser.as('ines');
  await catalogIsRead(page);
  const dead = [];
  for (const path of ['/git/tidepost/golden-paths', '/git/tidepost/tracking-api', '/docs', '/docs/operate', '/docs/runbook']) {
    await page.goto(path);
    // As the browser resolves them: a relative address is relative to the page.
    const links = await page.locator('.prose a').filter({ visible: true }).evaluateAll((all) => all.map(({ href }) => href));
    for (const link of new Set(links.filter((href) => href.startsWith(new URL(page.url()).origin)))) {
      const { hash } = new URL(link);
      const answer = await page.request.get(link);
      if (!answer.ok()) dead.push(`${path}: ${link} answers ${answer.status()}`);
      else if (hash !== '' && !(await answer.text()).includes(`id="${hash.slice(1)}"`)) dead.push(`${path}: ${link} has no such place`);
    }
  }
  assert.deepEqual(dead, []);
}

/** In the order in which they are walked. */
export const journeys = [
  a_developer_signs_in_and_finds_an_api_with_its_problem,
  a_developer_finds_their_way_with_the_keyboard_only,
  the_theme_stays_as_chosen_and_signing_out_ends_the_session,
  a_wrong_address_says_so_and_leads_on,
  the_links_of_a_readme_and_of_the_docs_lead_somewhere,
];
