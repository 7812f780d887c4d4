import { describe, expect, it } from 'vitest';
import { readTar, wholeContent, writeTar, type TarEntry } from '../src/index.js';
import { block, tar } from './tar-blocks.js';
import { allEntries, collect, gather, inPieces } from './workspace.js';

describe('the end', () => {
  const whole = tar(block({ content: 'x'.repeat(600) }), block({ name: 'b' }));

  it('is fine after the two zero blocks, after one, and before padding', async () => {
    for (const bytes of [whole, whole.subarray(0, -512), Buffer.concat([whole, Buffer.alloc(9216)])])
      expect(await allEntries(bytes)).toHaveLength(2);
  });

  it.each([0, 1, 511, 512, 513, 1100, 1535, 1536, 1537, 2048])('is missing after %i bytes', async (length) => {
    await expect(allEntries(whole.subarray(0, length))).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TRUNCATED' });
  });

  it('is reached in the source too, so that what packs the archive is verified', async () => {
    const source = (async function* () {
      yield whole;
      await Promise.resolve();
      throw new Error('the checksum after the archive is wrong');
    })();
    await expect(gather(readTar(source))).rejects.toThrow('checksum');
  });
});

describe('content', () => {
  const archive = tar(
    block({ name: 'a', content: 'aaaa' }),
    block({ name: 'b', content: 'b'.repeat(2000) }),
    block({ name: 'c', content: 'c' }),
  );

  it('may be left unread or read in part', async () => {
    const seen: string[] = [];
    for await (const entry of readTar(inPieces(archive, 300))) {
      seen.push(entry.path);
      if (entry.path !== 'b') continue;
      for await (const chunk of entry.content) {
        expect(chunk.length).toBeLessThan(2000);
        break;
      }
    }
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it.each([100, 300, 512, 700])('comes from a source that uses its memory again, in pieces of %i bytes', async (size) => {
    async function* reusing(): AsyncGenerator<Uint8Array, void, undefined> {
      const memory = Buffer.alloc(size);
      for (let at = 0; at < archive.length; at += size) yield memory.subarray(0, archive.copy(memory, 0, at, at + size));
    }
    const found: [string, number][] = [];
    for await (const entry of readTar(reusing())) {
      let content = '';
      for await (const chunk of entry.content) content += Buffer.from(chunk).toString();
      found.push([entry.path, content.length]);
      expect(content).toBe(entry.path.repeat(content.length));
    }
    expect(found).toEqual([
      ['a', 4],
      ['b', 2000],
      ['c', 1],
    ]);
  });

  it('is handed out whole, once, when it has arrived whole, and then not again', async () => {
    const whole: (string | undefined)[] = [];
    for await (const entry of readTar(inPieces(archive, 1_000_000))) {
      const bytes = wholeContent(entry.content);
      whole.push(bytes === undefined ? undefined : Buffer.from(bytes).toString());
      expect(bytes?.length).toBe(entry.sizeBytes);
      expect(wholeContent(entry.content)).toBeUndefined();
      await expect(collect(entry.content)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY_PASSED' });
    }
    const collected: string[] = [];
    for await (const entry of readTar(inPieces(archive, 300))) {
      if (entry.sizeBytes > 300) expect(wholeContent(entry.content)).toBeUndefined();
      collected.push((await collect(entry.content)).toString());
    }
    expect(whole).toEqual(collected);
  });

  it('cannot be read after the next entry, or twice', async () => {
    let earlier: TarEntry | undefined;
    for await (const entry of readTar(inPieces(archive, 300))) {
      if (earlier !== undefined) await expect(collect(earlier.content)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY_PASSED' });
      if (entry.path === 'b') {
        await collect(entry.content);
        await expect(collect(entry.content)).rejects.toMatchObject({ code: 'ICT_ARCHIVE_ENTRY_PASSED' });
      }
      earlier = entry;
    }
    expect(earlier?.path).toBe('c');
  });

  it('lets go of the source when the reader stops', async () => {
    const source = inPieces(archive, 300);
    for await (const entry of readTar(source)) {
      expect(entry.path).toBe('a');
      break;
    }
    expect(source.destroyed).toBe(true);
  });

  it('stops when the signal aborts', async () => {
    await expect(gather(readTar(inPieces(archive, 300), { signal: AbortSignal.abort(new Error('enough')) }))).rejects.toThrow('enough');
  });

  it('gives the same entries however the source is cut', async () => {
    const written = await collect(
      writeTar([
        { path: 'ü', type: 'file', mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, content: Buffer.alloc(1500, 'x') },
        { path: 'd', type: 'directory', mode: 0o755, uid: 1, gid: 2, mtimeSeconds: 5 },
      ]),
    );
    const expected = await allEntries(written);
    for (const pieces of [1, 511, 513, 100000]) expect(await allEntries(written, { pieces })).toEqual(expected);
  });
});
