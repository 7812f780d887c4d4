import { readFileSync } from 'node:fs';
import { isIctError } from '@ict/plugin-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStanzas, readStanzas } from '../src/metadata/deb822.js';
import type { Stanza } from '../src/metadata/deb822.js';

const plain = (stanzas: readonly Stanza[]) =>
  stanzas.map((stanza) => Object.fromEntries(stanza.names().map((name) => [name, stanza.lines(name)])));

async function collect(chunks: Iterable<Uint8Array>): Promise<Stanza[]> {
  const stanzas: Stanza[] = [];
  for await (const stanza of readStanzas(chunks)) stanzas.push(stanza);
  return stanzas;
}

describe('parseStanzas', () => {
  it('reads fields in any case, continuation lines and dots', () => {
    const [stanza] = parseStanzas('Package: a\nDescription: short\n long text\n .\n\tmore\n  indented\n');
    expect(stanza.get('PACKAGE')).toBe('a');
    expect(stanza.get('description')).toBe('short\nlong text\n\nmore\n indented');
    expect(stanza.lines('Description')).toEqual(['short', 'long text', '', 'more', ' indented']);
    expect(stanza.get('Version')).toBeUndefined();
    expect(stanza.lines('Version')).toEqual([]);
    expect(stanza.names()).toEqual(['Package', 'Description']);
  });

  it.each([
    ['CRLF', 'A: 1\r\nB:\r\n 2\r\n\r\nA: 3\r\n'],
    ['no final newline', 'A: 1\nB:\n 2\n\nA: 3'],
    ['blank lines with spaces', '\n \nA: 1\nB:\n 2\n \t\n\n\nA: 3\n\n\n'],
    ['no space after the colon', 'A:1\nB:\n 2\n\nA:3\n'],
  ])('tolerates %s', (_, text) => {
    expect(plain(parseStanzas(text))).toEqual([{ A: ['1'], B: ['', '2'] }, { A: ['3'] }]);
  });

  it('keeps the first of two equal fields, and keeps their continuation lines apart', () => {
    expect(plain(parseStanzas('A: 1\nB: x\na: 2\n 3\n'))).toEqual([{ A: ['1'], B: ['x'] }]);
  });

  it('knows the line of each stanza', () => {
    expect(parseStanzas('\nA: 1\n\n\nB: 2\n').map(({ line }) => line)).toEqual([2, 5]);
  });

  it('takes comments only where people write', () => {
    expect(plain(parseStanzas('# note\nA: 1\n# note\n 2\n', { comments: true }))).toEqual([{ A: ['1', '2'] }]);
    expect(() => parseStanzas('# note\n')).toThrow(expect.objectContaining({ code: 'ICT_DEB_STANZA_INVALID' }));
  });

  it.each([
    ['A: 1\nnonsense\n', 2],
    [' 1\n', 1],
    ['A: 1\n\n 2\n', 3],
    ['A: 1\nB C: 2\n', 2],
    [': 1\n', 1],
  ])('names the line in %j', (text, line) => {
    expect(() => parseStanzas(text, { source: 'status' })).toThrow(
      expect.objectContaining({ code: 'ICT_DEB_STANZA_INVALID', facts: { source: 'status', line } }),
    );
  });

  it('throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'AB: \n\t\r.#é') }), (text) => {
        try {
          expect(parseStanzas(text).every((stanza) => stanza.names().length > 0)).toBe(true);
        } catch (error) {
          expect(isIctError(error) && error.code).toBe('ICT_DEB_STANZA_INVALID');
        }
      }),
    );
  });
});

describe('readStanzas', () => {
  const bytes = readFileSync(new URL('fixtures/bookworm-packages', import.meta.url));

  it('reads a real index', async () => {
    const stanzas = await collect([bytes]);
    expect(stanzas).toHaveLength(33);
    expect(stanzas.filter((stanza) => stanza.get('Essential') === 'yes').map((stanza) => stanza.get('Package'))).toContain('bash');
  });

  it('does not depend on where chunks end', async () => {
    const whole = plain(parseStanzas(bytes.toString('utf8')));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 }), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = edges.slice(1).map((end, i) => bytes.subarray(edges[i], end));
        expect(plain(await collect(chunks))).toEqual(whole);
      }),
      { numRuns: 20 },
    );
  });

  it('bounds a stanza', async () => {
    const line = Buffer.from(` ${'x'.repeat(1024 * 1024)}\n`);
    const endless = [Buffer.from('A: 1\n'), ...new Array<Buffer>(17).fill(line)];
    await expect(collect(endless)).rejects.toMatchObject({ code: 'ICT_DEB_STANZA_INVALID' });
    await expect(collect(new Array<Buffer>(17).fill(Buffer.alloc(1024 * 1024, 'x')))).rejects.toMatchObject({
      code: 'ICT_DEB_STANZA_INVALID',
    });
  });
});
