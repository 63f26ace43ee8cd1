// Walks people's journeys through the portal in a real browser.
//
//   SLIPWAY_BIN=target/debug/slipway node tests/browser/run.mjs [words]
//
// With words, only journeys whose sentence holds them are walked. Each one ends well or leaves a
// picture of every page that it had open.
import { Browser } from './browser.mjs';
import * as create from './create.mjs';
import * as find from './find.mjs';
import * as look from './look.mjs';
import { startPortal } from './portal.mjs';

const words = process.argv.slice(2).join(' ');
const journeys = [find, create, look]
  .flatMap((module) => module.journeys)
  .map((walk) => ({ walk, sentence: walk.name.replaceAll('_', ' ') }))
  .filter(({ sentence }) => sentence.includes(words));

const portal = await startPortal();
let passed = 0;
let failed = 0;
try {
  const browser = await Browser.launch(portal.base);
  try {
    for (const { walk, sentence } of journeys) {
      const started = Date.now();
      try {
        await walk({ browser, portal });
        const complaints = browser.complaints();
        if (complaints.length > 0) throw new Error(`The pages complained:\n${complaints.join('\n')}`);
        passed += 1;
        console.log(`ok    ${sentence} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
      } catch (error) {
        failed += 1;
        console.log(`FAIL  ${sentence}\n${error.stack ?? error}`);
        for (const { url, path, text } of await browser.evidence(sentence)) {
          console.log(`  page ${url}\n  picture ${path}\n  text:\n${text.replaceAll(/^/gm, '    ')}`);
        }
      }
      await browser.tidy();
    }
    const errors = await portal.errors();
    if (errors.length > 0) {
      failed += 1;
      console.log(`FAIL  the portal writes no error into its log\n${errors.join('\n')}`);
    }
  } finally {
    await browser.close();
  }
} catch (error) {
  failed += 1;
  console.log(`FAIL  ${error.stack ?? error}`);
}
try {
  await portal.stop();
} catch (error) {
  failed += 1;
  console.log(`FAIL  the portal ends when it is told to\n${error.message}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
