// What the journeys have in common: a browser, people who are signed in, and small assertions.
import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

/** How long one thing on a page may take to appear. */
const PATIENCE = 10_000;
/** How long a run of the golden path may take. It takes a few seconds. */
const RUN_PATIENCE = 60_000;

// Playwright gives each launch an empty user data folder of its own.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A page that needs another host is broken for us: there is none.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** One browser with the people who use it. */
export class Browser {
  #people = new Map();
  #open = [];
  #browser;

  constructor(browser, base) {
    this.#browser = browser;
    this.base = base;
  }

  static async launch(base) {
    const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
    return new Browser(await chromium.launch({ executablePath, headless: true, args: FLAGS }), base);
  }

  /** A page of somebody who is not signed in. */
  async stranger(options = {}) {
    const context = await this.#browser.newContext({ baseURL: this.base, viewport: { width: 1440, height: 900 }, ...options });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(`script error: ${error.message}`));
    page.on('console', (line) => {
      // A status of 4xx is an answer that journeys ask for; what it must be, they assert themselves.
      if (line.type() === 'error' && !/status of 4\d\d/.test(line.text())) complaints.push(`console: ${line.text()}`);
    });
    page.on('response', (answer) => {
      if (answer.status() >= 500) complaints.push(`${answer.status()} from ${answer.request().method()} ${answer.url()}`);
    });
    this.#open.push({ context, page, complaints });
    return page;
  }

  /** A page of a demo person. Each signs in once, since tries at signing in are limited. */
  async as(login, options = {}) {
    if (!this.#people.has(login)) {
      const page = await this.stranger();
      await page.goto('/login');
      await page.locator(`button[name=person][value=${login}]`).click();
      await page.waitForURL('/');
      this.#people.set(login, await page.context().storageState());
    }
    return this.stranger({ storageState: this.#people.get(login), ...options });
  }

  /** What pages have complained about since the last journey. */
  complaints() {
    return this.#open.flatMap(({ complaints }) => complaints);
  }

  /** Keeps a picture of every open page and gives, for each, where it is and what it says. */
  async evidence(name) {
    const folder = await mkdtemp(join(tmpdir(), 'slipway-evidence-'));
    const found = [];
    for (const [number, { page }] of this.#open.entries()) {
      if (page.isClosed() || page.url() === 'about:blank') continue;
      const path = join(folder, `${name.replace(/\W+/g, '-')}-${number + 1}.png`);
      await page.screenshot({ path, fullPage: true }).catch(() => {});
      const text = await page.locator('body').innerText().catch((error) => `(no text: ${error.message})`);
      found.push({ url: page.url(), path, text });
    }
    return found;
  }

  /** Closes the pages of a journey. */
  async tidy() {
    const open = this.#open.splice(0);
    await Promise.all(open.map(({ context }) => context.close()));
  }

  async close() {
    await this.#browser.close();
  }
}

/** The heading of the page is this. */
export async function heading(page, text) {
  await page.locator(':is(.head, .plain__box) h1').getByText(text, { exact: true }).waitFor();
}

/** The page says this somewhere a person sees it. */
export async function says(page, text) {
  await page.getByText(text).filter({ visible: true }).first().waitFor();
}

/** The example is read in the background after the portal is up; waits until nothing of it is outstanding. */
export async function catalogIsRead(page) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    await page.goto('/catalog');
    const waiting = await page.getByText('sources are still to be read').count();
    const count = await allInCatalog(page);
    if (waiting === 0 && count > 0) return count;
    assert.ok(Date.now() < deadline, `the catalog is not read after 30 s; it holds ${count} entities`);
    await page.waitForTimeout(200);
  }
}

/** The count beside the tab "All". */
export async function allInCatalog(page) {
  return Number(await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: /^All/ }).locator('.tabs__count').innerText());
}

/** Fills the three pages of the golden path "Rust web service"; ends on the plan. */
export async function fillGoldenPath(page, { name, team = 'Tracking', description }) {
  await page.goto('/scaffolder');
  await page.getByRole('article').getByRole('link', { name: 'Rust web service' }).click();
  await heading(page, 'Rust web service');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('What it does').fill(description ?? `Tells receivers about ${name}.`);
  await page.getByRole('radio', { name: new RegExp(`^${team}`) }).check();
  await page.getByRole('button', { name: 'Next: Name and place' }).click();
  await page.getByRole('radio', { name: /^Tier 2/ }).check();
  await page.getByRole('radio', { name: /^Parcel tracking/ }).check();
  await page.getByLabel('Repository name').fill(name);
  await page.getByRole('button', { name: 'Next: Runtime' }).click();
  await page.getByLabel('Copies').fill('3');
  await page.getByRole('button', { name: 'Next: Plan' }).click();
  await heading(page, `Plan for ${name}`);
}

/** Waits until the page itself, without being loaded again, says that the run succeeded. */
export async function followToSuccess(page) {
  await page.locator('.head .badge', { hasText: 'Succeeded' }).waitFor({ timeout: RUN_PATIENCE });
  await page.locator('.step').last().and(page.locator('.step--good')).waitFor();
}

/** Waits for a run as a script does. */
export async function pollRun(api, id) {
  const deadline = Date.now() + RUN_PATIENCE;
  for (;;) {
    const { status, body } = await api('GET', `/runs/${id}`);
    assert.equal(status, 200, JSON.stringify(body));
    if (body.ended_at) return body;
    assert.ok(Date.now() < deadline, `the run is still ${body.state} after ${RUN_PATIENCE} ms`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** A caller of the JSON API with a token, or without one. */
export function caller(base, token) {
  return async (method, path, body) => {
    const headers = { accept: 'application/json' };
    if (token) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const answer = await fetch(`${base}/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, requestId: answer.headers.get('x-request-id'), body: text === '' ? undefined : JSON.parse(text) };
  };
}

/** Whether what has the focus can be seen to have it: a ring, on itself or on what it draws. */
export async function focusIsVisible(page) {
  return page.evaluate(() => {
    const focused = document.activeElement;
    if (!focused || focused === document.body) return true;
    const ring = (element, pseudo) => {
      const style = getComputedStyle(element, pseudo);
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    };
    // A card's link covers the card, a radio lights its row up, a node of a drawing its frame.
    const row = focused.closest('.choice');
    const frame = focused.querySelector('rect');
    return ring(focused) || ring(focused, '::after') || (row !== null && ring(row)) || (frame !== null && parseFloat(getComputedStyle(frame).strokeWidth) >= 3);
  });
}

/** Presses Tab until the focus is where `wanted` says; on the way every stop must show its focus. */
export async function tabTo(page, wanted) {
  for (let stops = 0; stops < 150; stops += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const focused = document.activeElement;
      return { tag: focused.localName, text: focused.textContent.trim().replace(/\s+/g, ' ').slice(0, 80), class: focused.className.baseVal ?? focused.className, href: focused.getAttribute('href') };
    });
    assert.ok(await focusIsVisible(page), `the focus on ${JSON.stringify(at)} cannot be seen`);
    if (wanted(at)) return at;
  }
  throw new assert.AssertionError({ message: 'the keyboard does not get there in 150 steps' });
}
