import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '@ict/integrity';
import { fakeContext, type FakeContext } from '@ict/plugin-testkit';
import { copyDelivery, deliver, type Deliverable } from '../../src/finalize/delivery.js';

let place: string;
let directory: string;
let ctx: FakeContext;
beforeEach(async () => {
  ctx = fakeContext();
  place = await mkdtemp(join(tmpdir(), 'ict-delivery-'));
  directory = join(place, 'imagebuild', 'minimal');
});
afterEach(async () => {
  await ctx[Symbol.asyncDispose]();
  await rm(place, { recursive: true });
});

async function artifact(name: string, text: string): Promise<Deliverable> {
  const file = join(place, `${name}.blob`);
  await writeFile(file, text, { mode: 0o444 });
  return { name, type: 'raw', file, digest: digestOf(text), sizeBytes: text.length };
}

const none = new Map<string, Uint8Array>();
const bill = new Map([['image.spdx.json', new TextEncoder().encode('{}')]]);

/** Everything in a directory, by name. */
async function content(of: string): Promise<Record<string, string>> {
  const names = await readdir(of);
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(of, name), 'utf8')] as const)));
}

describe('deliver', () => {
  it('puts artifacts and documents there, writable, and nothing beside them', async () => {
    const delivery = await deliver(directory, [await artifact('image.raw', 'one')], bill, ctx);
    expect(await content(directory)).toEqual({ 'image.raw': 'one', 'image.spdx.json': '{}' });
    expect(await readdir(join(place, 'imagebuild'))).toEqual(['minimal']);
    const path = join(directory, 'image.raw');
    expect((await stat(path)).mode & 0o200).toBe(0o200);
    const allocatedBytes = (await stat(path)).blocks * 512;
    expect(delivery).toEqual({
      directory,
      artifacts: [{ path, type: 'raw', sizeBytes: 3, allocatedBytes, digest: digestOf('one') }],
      documents: [join(directory, 'image.spdx.json')],
    });
    expect(ctx.events).toEqual([{ type: 'image.progress', artifact: 'image.raw', action: 'deliver' }]);
  });

  it('takes away what the new build does not deliver', async () => {
    await deliver(directory, [await artifact('image.raw', 'one'), await artifact('image.qcow2', 'two')], bill, ctx);
    await deliver(directory, [await artifact('image.tar', 'three')], none, ctx);
    expect(await content(directory)).toEqual({ 'image.tar': 'three' });
  });

  it('keeps an artifact that lies there unchanged, again and again, without reading its source', async () => {
    const same = await artifact('image.raw', 'one');
    await deliver(directory, [same], none, ctx);
    const { ino } = await stat(join(directory, 'image.raw'));
    await rm(same.file);
    for (const documents of [bill, none]) {
      await deliver(directory, [same], documents, ctx);
      expect((await stat(join(directory, 'image.raw'))).ino).toBe(ino);
    }
    expect(await content(directory)).toEqual({ 'image.raw': 'one' });
  });

  it.each([
    ['was edited', (path: string) => writeFile(path, 'ONE')],
    ['was removed', (path: string) => rm(path)],
    ['was replaced by an equal-looking file', (path: string) => rm(path).then(() => writeFile(path, 'ONE'))],
  ])('replaces an artifact that %s', async (_what, spoil) => {
    const same = await artifact('image.raw', 'one');
    await deliver(directory, [same], none, ctx);
    await spoil(join(directory, 'image.raw'));
    await deliver(directory, [same], none, ctx);
    expect(await content(directory)).toEqual({ 'image.raw': 'one' });
  });

  it('copies anew when the build made something else', async () => {
    await deliver(directory, [await artifact('image.raw', 'one')], none, ctx);
    const other = await artifact('other.raw', 'two');
    await deliver(directory, [{ ...other, name: 'image.raw' }], none, ctx);
    expect(await content(directory)).toEqual({ 'image.raw': 'two' });
  });

  it('leaves the last delivery as it was when a copy fails', async () => {
    const good = await artifact('image.raw', 'one');
    await deliver(directory, [good], bill, ctx);
    const lost = { ...good, name: 'image.qcow2', file: join(place, 'gone'), digest: digestOf('gone') };
    await expect(deliver(directory, [good, lost], none, ctx)).rejects.toThrow('gone');
    expect(await content(directory)).toEqual({ 'image.raw': 'one', 'image.spdx.json': '{}' });
    expect(await readdir(join(place, 'imagebuild'))).toEqual(['minimal']);
  });

  it('leaves the last delivery as it was when it is interrupted', async () => {
    await deliver(directory, [await artifact('image.raw', 'one')], none, ctx);
    const stopped = { ...ctx, signal: AbortSignal.abort() };
    await expect(deliver(directory, [await artifact('image.tar', 'two')], none, stopped)).rejects.toThrow('abort');
    expect(await content(directory)).toEqual({ 'image.raw': 'one' });
    expect(await readdir(join(place, 'imagebuild'))).toEqual(['minimal']);
  });

  it('removes what killed builds left here, and nothing of other images', async () => {
    for (const name of ['.minimal.new-aaaaaa', '.minimal.new-bbbbbb.old', '.other.new-cccccc', 'minimal', 'other']) {
      await mkdir(join(place, 'imagebuild', name), { recursive: true });
      await writeFile(join(place, 'imagebuild', name, 'file'), name);
    }
    await deliver(directory, [await artifact('image.raw', 'one')], none, ctx);
    expect((await readdir(join(place, 'imagebuild'))).sort()).toEqual(['.other.new-cccccc', 'minimal', 'other']);
    expect(await content(directory)).toEqual({ 'image.raw': 'one' });
  });

  it('puts back what a build killed between two renames had moved away', async () => {
    const old = join(place, 'imagebuild', '.minimal.new-aaaaaa.old');
    await mkdir(old, { recursive: true });
    await writeFile(join(old, 'image.raw'), 'last');
    await mkdir(join(place, 'imagebuild', '.minimal.new-aaaaaa'));
    const lost = { ...(await artifact('image.raw', 'one')), file: join(place, 'gone') };
    await expect(deliver(directory, [lost], none, ctx)).rejects.toThrow('gone');
    expect(await content(directory)).toEqual({ 'image.raw': 'last' });
  });

  it('brings nothing back that was replaced, and whose successor somebody removed', async () => {
    // What a build of an ordinary user leaves of one by root: it may rename it, and not remove it.
    await mkdir(join(place, 'imagebuild', '.minimal.new-aaaaaa.old'), { recursive: true });
    const lost = { ...(await artifact('image.raw', 'one')), file: join(place, 'gone') };
    await expect(deliver(directory, [lost], none, ctx)).rejects.toThrow('gone');
    expect(await readdir(join(place, 'imagebuild'))).toEqual([]);
  });

  it('says plainly that a place cannot be written', async () => {
    await writeFile(join(place, 'file'), '');
    const target = join(place, 'file', 'imagebuild', 'minimal');
    await expect(deliver(target, [await artifact('image.raw', 'one')], none, ctx)).rejects.toMatchObject({
      code: 'ICT_OUTPUT_UNWRITABLE',
      facts: { directory: target },
    });
  });
});

describe('copyDelivery', () => {
  it('copies everything, replaces equal names, and leaves other files alone', async () => {
    const delivery = await deliver(directory, [await artifact('image.raw', 'one')], bill, ctx);
    const to = join(place, 'out');
    await mkdir(to);
    await writeFile(join(to, 'image.raw'), 'earlier');
    await writeFile(join(to, 'mine.txt'), 'mine');
    const copied = await copyDelivery(delivery, to, ctx.signal);
    expect(await content(to)).toEqual({ 'image.raw': 'one', 'image.spdx.json': '{}', 'mine.txt': 'mine' });
    expect(copied.directory).toBe(to);
    expect(copied.artifacts).toEqual([{ ...delivery.artifacts[0], path: join(to, 'image.raw') }]);
    expect(copied.documents.map((path) => basename(path))).toEqual(['image.spdx.json']);
  });

  it('leaves the earlier file when a copy fails', async () => {
    const delivery = await deliver(directory, [await artifact('image.raw', 'one')], none, ctx);
    const to = join(place, 'out');
    await mkdir(to);
    await writeFile(join(to, 'image.raw'), 'earlier');
    await rm(join(directory, 'image.raw'));
    await expect(copyDelivery(delivery, to, ctx.signal)).rejects.toThrow('image.raw');
    expect(await content(to)).toEqual({ 'image.raw': 'earlier' });
  });

  it('says plainly that a place cannot be written', async () => {
    const delivery = await deliver(directory, [await artifact('image.raw', 'one')], none, ctx);
    await writeFile(join(place, 'file'), '');
    await expect(copyDelivery(delivery, join(place, 'file'), ctx.signal)).rejects.toMatchObject({ code: 'ICT_OUTPUT_UNWRITABLE' });
  });
});
