import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { useWorld, world } from '../world.js';

useWorld();

const PLACE = 'v1/records/0123456789abcdef/ict.layer.a%2Fb%25/abcd.json';

it.each([
  ['user:secret@cache.example', '(unreadable address)'],
  ['cache.example', '(unreadable address)'],
  ['ftp://user:secret@cache.example/a', 'ftp://cache.example/a'],
  ['file://cache.example/a', 'file://cache.example/a'],
  ['file:///a%2Fb', 'file:///a%2Fb'],
  ['file:///a%00b', 'file:///a%00b'],
  ['file:///', 'file:///'],
])('%s is the address of no store', (address, printed) => {
  const failure = expect.objectContaining({ code: 'ICT_REMOTE_CACHE_ADDRESS', kind: 'invalid', facts: { url: printed } }) as Error;
  expect(() => world.storeAt(address)).toThrow(failure);
  expect(() => world.storeAt(address)).not.toThrow('secret');
});

describe('a directory', () => {
  const open = () => world.storeAt(pathToFileURL(join(world.root, 'kept %2F')).href);

  it('has what was put there, as a file of that name', async () => {
    const { file } = world.blob(Buffer.from('first'));
    const store = open();
    expect(await store.has(PLACE)).toBe(false);
    expect(await store.get({ place: PLACE, maxBytes: 100 })).toBeUndefined();
    await store.put(PLACE, file);
    expect(readFileSync(join(world.root, 'kept %2F', PLACE), 'utf8')).toBe('first');
    expect(await store.has(PLACE)).toBe(true);
    const answer = await store.get({ place: PLACE, maxBytes: 100 });
    expect(readFileSync((answer as { file: string }).file, 'utf8')).toBe('first');
  });

  it('lets whoever reads the directory read its files', async () => {
    const { file } = world.blob(Buffer.from('first'));
    chmodSync(file, 0o600);
    await open().put(PLACE, file);
    expect(statSync(join(world.root, 'kept %2F', PLACE)).mode & 0o777).toBe(0o644);
  });

  it('has the last of what was put at one place', async () => {
    const store = open();
    await store.put(PLACE, world.blob(Buffer.from('first')).file);
    await store.put(PLACE, world.blob(Buffer.from('second')).file);
    expect(readFileSync(join(world.root, 'kept %2F', PLACE), 'utf8')).toBe('second');
  });

  it('gives nothing that is larger than was asked for', async () => {
    const store = open();
    await store.put(PLACE, world.blob(Buffer.alloc(101)).file);
    expect(await store.get({ place: PLACE, maxBytes: 100 })).toEqual({ fault: 'it is larger than 100 bytes' });
  });

  it('that cannot be read is as a server that does not answer', async () => {
    const loop = join(world.root, 'kept %2F', PLACE);
    mkdirSync(dirname(loop), { recursive: true });
    symlinkSync(loop, loop);
    await expect(open().get({ place: PLACE, maxBytes: 100 })).rejects.toMatchObject({
      code: 'ICT_REMOTE_CACHE_UNREACHABLE',
      kind: 'network',
    });
  });

  it('keeps no part of what could not be put', async () => {
    const store = open();
    await expect(store.put(PLACE, join(world.root, 'absent'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(existsSync(join(world.root, 'kept %2F', PLACE))).toBe(false);
    expect(await store.has(PLACE)).toBe(false);
  });
});
