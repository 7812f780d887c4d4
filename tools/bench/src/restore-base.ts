import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { startSandbox } from '@ict/sandbox';

/** Unpacks a snapshot and verifies what it gave, as a build does with its base tree: one side of the scenario `restore`. */
const [snapshot, directory, expected] = process.argv.slice(2) as [string, string, string];
await mkdir(directory, { recursive: true });
const sandbox = await startSandbox({ signal: new AbortController().signal, temporary: await mkdtemp(join(directory, 'temporary-')) });
try {
  const tree = join(directory, 'tree');
  const { digest } = await sandbox.unpackLayer(snapshot, tree);
  if (digest !== expected) throw new Error(`the snapshot gave ${digest}, not ${expected}`);
  await sandbox.statLayer(tree); // what later builds compare
} finally {
  await sandbox.close();
}
