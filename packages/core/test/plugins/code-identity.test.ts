import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CodeIdentities } from '../../src/plugins/code-identity.js';

let place: string;
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ict-identity-'));
});
afterEach(() => rm(place, { recursive: true }));

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(place, file)), { recursive: true });
  await writeFile(join(place, file), text);
}

const identify: CodeIdentities['identify'] = (...of) => new CodeIdentities().identify(...of);
const identity = (root: string) => identify({ name: 'acme', version: '1.0.0', root: join(place, root) });
const code = () => identity('acme').code;

describe('identify', () => {
  beforeEach(async () => {
    await write('acme/dist/plugin.js', 'export const one = 1;');
    await write('acme/dist/deeper/part.js', 'export const two = 2;');
  });

  it('is the version alone for an installed package', async () => {
    await write('node_modules/acme/dist/plugin.js', '');
    expect(identity('node_modules/acme')).toEqual({ name: 'acme', version: '1.0.0' });
  });

  it('has a digest of the built code in a checkout, the same for equal code', async () => {
    expect(identity('acme')).toEqual({ name: 'acme', version: '1.0.0', code: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(code()).toBe(code());
  });

  it.each([
    ['a module changes', () => write('acme/dist/plugin.js', 'export const one = 2;')],
    ['a module deeper down changes', () => write('acme/dist/deeper/part.js', '')],
    ['a module is added', () => write('acme/dist/more.js', '')],
    ['a module is removed', () => rm(join(place, 'acme/dist/deeper/part.js'))],
    ['a module moves', () => rm(join(place, 'acme/dist/plugin.js')).then(() => write('acme/dist/plug.js', 'export const one = 1;'))],
    [
      'a module is swallowed by the one before it',
      async () => {
        await rm(join(place, 'acme/dist/plugin.js'));
        await write('acme/dist/deeper/part.js', 'export const two = 2;plugin.js\0export const one = 1;');
      },
    ],
    ['a module that Node runs as TypeScript is added', () => write('acme/dist/part.ts', 'export const one: number = 2;')],
    ['a module of another kind is added', () => write('acme/dist/solver.wasm', 'code')],
  ])('changes when %s', async (_what, change) => {
    const before = code();
    await change();
    expect(code()).not.toBe(before);
  });

  it.each([
    ['declarations', 'acme/dist/plugin.d.ts'],
    ['declarations of modules of one kind', 'acme/dist/plugin.d.mts'],
    ['source maps', 'acme/dist/plugin.js.map'],
    ['sources', 'acme/src/plugin.ts'],
    ['packages that are installed below', 'acme/dist/node_modules/other/index.js'],
  ])('does not change with %s', async (_what, file) => {
    const before = code();
    await write(file, 'other');
    expect(code()).toBe(before);
  });
});

it('identify changes with the code of packages of the same checkout that the package depends on, and not with that of installed ones', async () => {
  await write('acme/dist/plugin.js', 'one');
  for (const [name, at] of [
    ['near', 'near'],
    ['far', 'node_modules/far'],
  ] as const) {
    await write(`${at}/package.json`, JSON.stringify({ name }));
    await write(`${at}/dist/index.js`, 'one');
  }
  await symlink(join(place, 'near'), join(place, 'node_modules/near'));
  const read = () => identify({ name: 'acme', version: '1.0.0', root: join(place, 'acme'), dependencies: ['near', 'far'] }).code;
  const before = read();
  await write('node_modules/far/dist/index.js', 'two');
  expect(read()).toBe(before);
  await write('near/dist/index.js', 'two');
  expect(read()).not.toBe(before);
});

it('identify changes with the code that packages of the same checkout depend on, wherever they keep it', async () => {
  await write('acme/dist/plugin.js', 'one');
  await write('near/package.json', JSON.stringify({ name: 'near', dependencies: { nearer: '1', missing: '1' } }));
  await write('near/dist/index.js', 'one');
  await write('nearer/package.json', JSON.stringify({ name: 'nearer', dependencies: { near: '1' } }));
  await write('nearer/lib/index.js', 'one');
  await mkdir(join(place, 'node_modules'));
  for (const name of ['near', 'nearer']) await symlink(join(place, name), join(place, 'node_modules', name));
  const read = () => identify({ name: 'acme', version: '1.0.0', root: join(place, 'acme'), dependencies: ['near'] }).code;
  const before = read();
  await write('nearer/lib/index.js', 'two');
  expect(read()).not.toBe(before);
});

it('identify reads the code where a package keeps it', async () => {
  await write('acme/lib/plugin.mjs', 'one');
  const read = () => identify({ name: 'acme', version: '1.0.0', root: join(place, 'acme') }, 'lib');
  const before = read();
  await write('acme/lib/plugin.mjs', 'two');
  expect(read().code).not.toBe(before.code);
});

it('identifyEngine names this package, and in this checkout its code', () => {
  const engine = new CodeIdentities().identifyEngine();
  expect(engine).toMatchObject({ name: '@ict/core', code: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(new CodeIdentities().identifyEngine()).toEqual(engine);
});

it('reads a package once, whoever is made of it', async () => {
  await write('acme/dist/plugin.js', 'one');
  await write('other/dist/plugin.js', 'one');
  await write('near/package.json', JSON.stringify({ name: 'near' }));
  await write('near/dist/index.js', 'one');
  await mkdir(join(place, 'node_modules'));
  await symlink(join(place, 'near'), join(place, 'node_modules/near'));
  const read = (name: string, by: CodeIdentities) =>
    by.identify({ name, version: '1', root: join(place, name), dependencies: ['near'] }).code;
  const identities = new CodeIdentities();
  const before = read('acme', identities);
  await write('near/dist/index.js', 'two');
  expect(read('other', identities)).toBe(before);
  expect(read('other', new CodeIdentities())).not.toBe(before);
});
