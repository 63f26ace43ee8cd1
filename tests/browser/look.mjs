// How the pages look and read: axe finds nothing, nothing scrolls sideways, one title, at three widths in both themes.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { caller, catalogIsRead, fillGoldenPath, followToSuccess } from './browser.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [360, 768, 1440];
const THEMES = ['light', 'dark'];

/** What axe is asked in each theme: all of it in one, in the other what depends on colours. */
const RULES = {
  light: { rules: { 'target-size': { enabled: true } } },
  dark: { runOnly: ['color-contrast', 'link-in-text-block'] },
};

/** What is wrong with the page as it stands, in one line each. */
async function faults(page, theme) {
  // By evaluation, not by a script element: the policy of the pages allows no script that is not ours.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  return page.evaluate(async (rules) => {
    const { violations } = await globalThis.axe.run(document, rules);
    const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
    const wide = document.documentElement.scrollWidth;
    if (wide > innerWidth) {
      const out = [...document.querySelectorAll('main *')].find((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest('[tabindex="0"], .tabs, .visually-hidden'));
      found.push(`scrolls sideways: ${wide} > ${innerWidth}: ${out?.outerHTML.slice(0, 160) ?? 'the page'}`);
    }
    const titles = document.querySelectorAll('h1').length;
    if (titles !== 1) found.push(`has ${titles} titles of the first level`);
    return found;
  }, RULES[theme]);
}

/** Collects faults, each once, with where it was seen. */
class Faults {
  #seen = new Map();

  note(where, found) {
    for (const fault of found) this.#seen.set(fault, [...(this.#seen.get(fault) ?? []), where]);
  }

  assertNone() {
    const lines = [...this.#seen].map(([fault, where]) => `${fault}\n    ${where.join('; ')}`);
    assert.ok(lines.length === 0, `${lines.length} faults:\n${lines.join('\n')}`);
  }
}

/** Looks at the page in every width and theme, and once more with everything open that can be opened. */
async function look(page, name, into) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      into.note(`${name}, ${width}, ${theme}`, await faults(page, theme));
    }
  }
  const opened = await page.evaluate(() => {
    const closed = [...document.querySelectorAll('main details:not([open])')];
    for (const one of closed) one.open = true;
    return closed.length;
  });
  if (opened > 0) {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      into.note(`${name}, ${width}, all open`, await faults(page, 'light'));
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** Looks at a list of addresses, each under its name. */
async function walk(page, addresses, into) {
  for (const [name, address] of Object.entries(addresses)) {
    await page.goto(address);
    await look(page, name, into);
  }
}

/** A token of a person's, made with their session. */
async function tokenOf(page) {
  const answer = await page.request.post('/api/v1/tokens', { data: { name: 'look', scopes: ['*'], days: 1 } });
  assert.equal(answer.status(), 201);
  return (await answer.json()).token;
}

async function pages_before_sign_in_and_of_errors_are_clean({ browser }) {
  const stranger = await browser.stranger();
  const mara = await browser.as('mara');
  const found = new Faults();
  await walk(stranger, { 'sign in': '/login' }, found);
  await walk(mara, { 'unknown entity': '/catalog/component/default/no-such-thing', 'unknown page': '/no/such/page', forbidden: '/admin' }, found);
  found.assertNone();
}

async function pages_of_the_catalog_are_clean({ browser, portal }) {
  const page = await browser.as('mara');
  await catalogIsRead(page);
  const api = caller(portal.base, await tokenOf(page));
  const { body } = await api('GET', '/sources');
  const source = body.items.find(({ problems }) => problems > 0) ?? body.items[0];
  const entity = '/catalog/component/default/tracking-api';
  const found = new Faults();
  await walk(
    page,
    {
      home: '/',
      catalog: '/catalog',
      'catalog, filtered': '/catalog?kind=component&owner=group:default/tracking',
      'catalog, nothing found': '/catalog?q=nothing-is-called-like-this',
      'catalog, mine': '/catalog?view=mine',
      entity,
      'entity, source': `${entity}?tab=source`,
      'entity, problems': `${entity}?tab=problems`,
      'entity, definition': '/catalog/api/default/tracking-api-v3?tab=definition',
      group: '/catalog/group/default/tracking',
      user: '/catalog/user/default/agnes',
      system: '/catalog/system/default/parcel-tracking',
      sources: '/catalog/sources',
      source: `/catalog/sources/${source.id}`,
      problems: '/catalog/problems',
      docs: '/docs',
      'docs, a long page': '/docs/operate',
    },
    found,
  );
  found.assertNone();
}

async function menus_are_clean_when_open({ browser }) {
  const page = await browser.as('mara');
  const found = new Faults();
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const menu of ['.menu__button', '.nav__toggle']) {
      await page.goto('/catalog');
      if (!(await page.locator(menu).isVisible())) continue;
      await page.locator(menu).click();
      for (const colorScheme of THEMES) {
        await page.emulateMedia({ colorScheme });
        found.note(`${menu} open, ${width}, ${colorScheme}`, await faults(page, colorScheme));
      }
    }
  }
  found.assertNone();
}

async function pages_of_creating_are_clean({ browser, portal }) {
  const page = await browser.as('mara');
  await catalogIsRead(page);
  const found = new Faults();
  const here = (name) => look(page, name, found);
  await page.goto('/scaffolder');
  await here('create');
  await page.goto('/scaffolder?q=nothing-is-called-like-this');
  await here('create, nothing found');
  await page.goto('/scaffolder/templates/default/rust-http-service');
  await here('wizard');
  await page.getByRole('button', { name: 'Next: Name and place' }).click();
  await page.getByRole('alert').waitFor();
  await here('wizard, with errors');
  await fillGoldenPath(page, { name: 'look-counter' });
  await here('review');
  const review = new URL(page.url()).pathname;
  await page.goto(review.replace('/review', '?page=1'));
  await here('wizard, second page');
  await page.goto(review.replace('/review', '?page=2'));
  await here('wizard, third page');
  await page.goto('/scaffolder');
  await here('create, with a draft');
  await page.goto(review);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await followToSuccess(page);
  const run = new URL(page.url()).pathname;
  await page.reload();
  await here('run, done');
  await walk(page, { 'roll back?': `${run}/roll-back`, runs: '/requests/runs', 'my requests': '/requests?view=mine', 'home, with runs': '/' }, found);
  await page.goto(run);
  await page.getByRole('link', { name: 'Request', exact: true }).click();
  await here('request, done');
  const repository = '/git/tidepost/look-counter';
  await walk(
    page,
    {
      repositories: '/git/tidepost',
      repository,
      'repository, folder': `${repository}/tree/main/src`,
      'repository, file': `${repository}/blob/main/Cargo.toml`,
      'repository, history': `${repository}/history`,
      'repository, proposals': `${repository}/proposals`,
      'entity, just made': '/catalog/component/default/look-counter',
    },
    found,
  );

  // What waits for another team: as its asker and as whoever decides.
  const api = caller(portal.base, await tokenOf(page));
  const values = {
    name: 'look-bell',
    description: 'Rings where the parcel is.',
    owner: 'group:default/last-mile',
    tier: '3',
    repoUrl: 'github.com?owner=tidepost&repo=look-bell',
    port: 8080,
    replicas: 1,
  };
  const asked = await api('POST', '/templates/default/rust-http-service/requests', { values, reason: 'To look at it.' });
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  const request = `/requests/${asked.body.request_id}`;
  await walk(page, { 'request, asked': request }, found);
  const tomas = await browser.as('tomas');
  await walk(tomas, { 'requests, to decide': '/requests', 'request, to decide': request, 'home, something waits': '/' }, found);
  found.assertNone();
}

async function pages_of_tokens_and_of_admins_are_clean({ browser }) {
  const mara = await browser.as('mara');
  const found = new Faults();
  await walk(mara, { tokens: '/login/tokens' }, found);
  await mara.goto('/login/tokens');
  await mara.getByRole('button', { name: 'Make token' }).click();
  await mara.getByRole('alert').waitFor();
  await look(mara, 'tokens, with errors', found);
  await mara.getByLabel('Name', { exact: true }).fill('to look at');
  await mara.getByRole('checkbox', { name: 'Read the catalog' }).check();
  await mara.getByRole('button', { name: 'Make token' }).click();
  await mara.locator('.notice--good code').waitFor();
  await look(mara, 'tokens, just made', found);
  const ines = await browser.as('ines');
  await walk(ines, { admin: '/admin', audit: '/admin/audit', 'failed runs': '/requests/runs?state=failed' }, found);
  found.assertNone();
}

/** In the order in which they are walked. */
export const journeys = [
  pages_before_sign_in_and_of_errors_are_clean,
  pages_of_the_catalog_are_clean,
  menus_are_clean_when_open,
  pages_of_creating_are_clean,
  pages_of_tokens_and_of_admins_are_clean,
];
