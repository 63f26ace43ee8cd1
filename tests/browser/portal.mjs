// Starts a portal of its own, with an empty data folder and a free port, and ends it again.
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A port that nobody listens on right now. */
async function freePort() {
  const server = createServer();
  await new Promise((done, failed) => server.once('error', failed).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** The settings of the portal: nothing of ours leaks in, so that a run does not depend on who runs it. */
function settings(dir, port) {
  const ours = Object.entries(process.env).filter(([name]) => !/^(SLIPWAY_|DATABASE_URL$|PG|OTEL_)/.test(name));
  return { ...Object.fromEntries(ours), SLIPWAY_DATA_DIR: join(dir, 'data'), SLIPWAY_LISTEN: `127.0.0.1:${port}` };
}

export async function startPortal() {
  const binary = process.env.SLIPWAY_BIN;
  if (!binary) throw new Error('Name the portal to test in SLIPWAY_BIN, for example target/debug/slipway.');
  const dir = await mkdtemp('/tmp/slipway-browser-');
  // Postgres does not run as root: as root it is another user that has to get through to its folder.
  await chmod(dir, 0o755);
  const logPath = join(dir, 'portal.log');
  const log = await open(logPath, 'w');
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const portal = spawn(binary, { env: settings(dir, port), stdio: ['ignore', log.fd, log.fd] });
  let ended;
  const end = new Promise((done) => {
    portal.once('error', (error) => done((ended = String(error))));
    portal.once('exit', (code, signal) => done((ended = signal ?? `exit code ${code}`)));
  });

  /** The last lines of the portal's log, for whoever looks for a reason. */
  const tail = async (lines) => (await readFile(logPath, 'utf8')).trimEnd().split('\n').slice(-lines).join('\n');

  /** Lines of the log that say that something went wrong on the portal's side. */
  const errors = async () => (await readFile(logPath, 'utf8')).split('\n').filter((line) => /"level":"ERROR"|\bERROR\b/.test(line));

  async function stop() {
    if (ended === undefined) portal.kill('SIGTERM');
    const late = setTimeout(() => portal.kill('SIGKILL'), 20_000);
    const how = await end;
    clearTimeout(late);
    await log.close();
    await rm(dir, { recursive: true, force: true });
    if (how !== 'exit code 0') throw new Error(`The portal did not end well: ${how}`);
  }

  const deadline = Date.now() + 60_000;
  for (;;) {
    const ready = await fetch(`${base}/readyz`).then((answer) => answer.ok, () => false);
    if (ready) break;
    if (ended !== undefined || Date.now() > deadline) {
      const words = await tail(20);
      await stop().catch(() => {});
      throw new Error(`The portal does not come up (${ended ?? 'after 60 s'}).\n${words}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  return { base, dir, tail, errors, stop };
}
