import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './host-state.js';

/** As long as a hook may take. */
const LIMIT_MS = 600_000;

type Outcome<T> = { readonly made: T } | { readonly failed: string };

/**
 * What all files of a test run share: made by whichever needs it first, while others wait. It is kept as JSON, `RUN/NAME.json`.
 *
 * @param run directory of the test run.
 * @param name of what is made.
 * @param make is given the directory `RUN/NAME`, empty.
 * @throws for everyone who asks, when it could not be made.
 */
export async function madeOnce<T>(run: string, name: string, make: (directory: string) => Promise<T>): Promise<T> {
  const directory = join(run, name);
  const record = `${directory}.json`;
  try {
    await mkdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await eventually(() => exists(record), LIMIT_MS, `another test file makes ${name}`);
    return madeOf(JSON.parse(await readFile(record, 'utf8')) as Outcome<T>);
  }
  const outcome = await make(directory).then(
    (made): Outcome<T> => ({ made }),
    (error: Error): Outcome<T> => ({ failed: error.message }),
  );
  await writeFile(`${record}.new`, JSON.stringify(outcome));
  await rename(`${record}.new`, record);
  return madeOf(outcome);
}

function madeOf<T>(outcome: Outcome<T>): T {
  if ('failed' in outcome) throw new Error(outcome.failed);
  return outcome.made;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
