import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { XmlReader } from '../src/metadata/xml.js';

/** What a reader told, as lines. */
function read(document: string, pieceSize = Infinity): string[] {
  const bytes = Buffer.from(document);
  const told: string[] = [];
  const reader = new XmlReader(
    {
      open(name, attributes) {
        told.push(`<${name} ${['a', 'b', 'href'].map((key) => attributes.get(key)).join('|')}`);
        return true;
      },
      close: (name, content) => told.push(`>${name} ${content.toString()}`),
    },
    'test.xml',
  );
  for (let at = 0; at < bytes.length; at += pieceSize) reader.write(bytes.subarray(at, at + pieceSize));
  reader.end();
  return told;
}

describe('XmlReader', () => {
  it('tells elements, attributes and texts, without prefixes', () => {
    const text = `<?xml version="1.0"?>\n<!-- c --><m:root xmlns:m="x" a='1' b="&lt;&#65;&#x42;">t&amp;<e/>u<![CDATA[<&>]]></m:root>\n`;
    const expected = ['<root 1|<AB|', '<e ||', '>e ', '>root t&u<&>'];
    for (const size of [1, 2, 3, 1000]) expect(read(text, size)).toEqual(expected);
  });

  it.each([
    '<!DOCTYPE comps\n  PUBLIC \'-//Red Hat, Inc.//DTD Comps info//EN\'\n  "comps.dtd">',
    '<!DOCTYPE a SYSTEM "a>[b">',
    '<!DOCTYPE a >',
  ])('passes over a document type that only names its description: %s', (type) => {
    const text = `<?xml version="1.0"?>\n${type}\n<a>t</a>`;
    for (const size of [1, 2, 7, 1000]) expect(read(text, size)).toEqual(['<a ||', '>a t']);
    expect(readBySaxes(text)).toEqual(['<a ||', '>a t']);
  });

  it.each([
    ['nothing', ''],
    ['text alone', 'text'],
    ['an open element', '<a><b></b>'],
    ['a wrong end', '<a></b>'],
    ['an end too many', '<a></a></a>'],
    ['two roots', '<a/><b/>'],
    ['half a tag', '<a'],
    ['an attribute twice', '<a a="1" a="2"/>'],
    ['an attribute without quotes', '<a a=1/>'],
    ['"<" in an attribute', '<a a="<"/>'],
    ['a bare ampersand', '<a>this & that</a>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a control character', '<a>&#0;</a>'],
    ['a document type with entities', '<!DOCTYPE a [<!ENTITY x "y">]><a>x</a>'],
    ['one with both', '<!DOCTYPE a SYSTEM "a.dtd" [<!ENTITY x "y">]><a>x</a>'],
    ['entities of a document type elsewhere', '<!DOCTYPE a SYSTEM "a.dtd"><a>&x;</a>'],
    ['two document types', '<!DOCTYPE a><!DOCTYPE a><a/>'],
    ['a document type after the root', '<a/><!DOCTYPE a>'],
    ['a document type in the root', '<a><!DOCTYPE a></a>'],
    ['a document type without end', '<!DOCTYPE a SYSTEM "a><a/>'],
    ['a document type of nothing', '<!DOCTYPE><a/>'],
    ['a document type that names too little', '<!DOCTYPE a PUBLIC "a"><a/>'],
    ['a declaration outside of one', '<!ENTITY x "y"><a/>'],
    ['elements nested too deep', '<a>'.repeat(65) + '</a>'.repeat(65)],
  ])('refuses %s', (_what, text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }));
  });

  it.each([
    ['a byte that UTF-8 never has', Buffer.from('<a>\xff</a>', 'latin1')],
    ['Latin-1', Buffer.from('<a>k\xe4se</a>', 'latin1')],
    ['half a character', Buffer.from('<a>\u20ac</a>').subarray(0, 5)],
  ])('refuses %s, wherever its pieces end', (_what, bytes) => {
    for (const size of [1, 2, 3, 100]) {
      const reader = new XmlReader({ open: () => true, close: () => undefined }, 'test.xml');
      const readAll = (): void => {
        for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size));
        reader.end();
      };
      expect(readAll).toThrow(expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID', message: expect.stringContaining('no UTF-8') }));
    }
  });

  it('reads documents as another reader does', () => {
    const piece = fc.constantFrom(
      '<a>',
      '</a>',
      '<b a="1">',
      '</b>',
      '<e/>',
      'text',
      'käse € 𝄞',
      '<b b="&#x20ac; ü"/>',
      '&amp;',
      '&',
      '<!--x-->',
      '<![CDATA[y]]>',
      ' ',
      '<',
      '"',
      '<?p?>',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), (pieces, size) => {
        const text = `<r>${pieces.join('')}</r>`;
        const theirs = readBySaxes(text);
        let ours: string[] | undefined;
        try {
          ours = read(text, size);
        } catch {
          ours = undefined;
        }
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 2000 },
    );
  });
});

function readBySaxes(text: string): string[] | undefined {
  const told: string[] = [];
  const texts: string[] = [];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    told.push(`<${name} ${['a', 'b', 'href'].map((key) => attributes[key]).join('|')}`);
    texts.push('');
  });
  const add = (content: string): void => void (texts.length > 0 && (texts[texts.length - 1] += content));
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', ({ name }) => told.push(`>${name} ${texts.pop()!}`));
  try {
    parser.write(text).close();
    return told;
  } catch {
    return undefined;
  }
}
