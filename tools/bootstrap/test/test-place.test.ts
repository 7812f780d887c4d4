import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BootstrapError } from '../run.mjs';
import { requireTestPlace } from '../test-place.mjs';

let home: string;
let clone: string;

beforeAll(async () => {
  home = await mkdtemp('/tmp/ict-test-place-');
  clone = join(home, 'source', 'ict');
  await mkdir(clone, { recursive: true });
});
afterAll(() => rm(home, { recursive: true }));

/** What is said of a clone whose directories have these modes. */
async function refusal(modes: { home: number; clone: number }, uid: number | undefined): Promise<BootstrapError | undefined> {
  await chmod(home, modes.home);
  await chmod(clone, modes.clone);
  try {
    await requireTestPlace(clone, uid);
    return undefined;
  } catch (error) {
    return error as BootstrapError;
  }
}

it('root tests in a clone that all may read', async () => {
  expect(await refusal({ home: 0o711, clone: 0o711 }, 0)).toBeUndefined();
});

it.each([1000, undefined])('user %s is told of root, and of what needs none', async (uid) => {
  const error = await refusal({ home: 0o755, clone: 0o755 }, uid);
  expect(error).toBeInstanceOf(BootstrapError);
  expect(error?.status).toBe(7);
  expect(error?.message).toContain('sudo npm test');
  expect(error?.message).toContain('npx nx run-many -t lint-all typecheck-all test');
});

it.each(['home', 'clone'] as const)('a %s that the users of the tests cannot pass is named, with what opens it', async (closed) => {
  const error = await refusal({ home: 0o755, clone: 0o755, [closed]: 0o754 }, 0);
  expect(error?.status).toBe(7);
  expect(error?.message).toSatisfy((message: string) =>
    message.endsWith(closed === 'home' ? `chmod o+x ${home}` : `chmod -R o+rX ${clone}`),
  );
});
