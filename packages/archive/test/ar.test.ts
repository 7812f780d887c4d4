import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openArMember, readAr, type ArMember } from '../src/index.js';
import { collect, gather, temporaryDirectory } from './workspace.js';

const header = (name: string, size: number | string): string =>
  `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(size).padEnd(10)}\`\n`;
const member = (name: string, content: string): string =>
  `${header(name, content.length)}${content}${content.length % 2 === 1 ? '\n' : ''}`;

function write(content: string | Uint8Array): string {
  const file = join(temporaryDirectory(), 'archive.a');
  writeFileSync(file, content);
  return file;
}

async function list(file: string): Promise<[string, string][]> {
  const members: [string, string][] = [];
  for await (const found of readAr(file)) members.push([found.name, (await collect(openArMember(file, found))).toString()]);
  return members;
}

describe('members', () => {
  it.each<[string, string, [string, string][]]>([
    ['none', '', []],
    [
      'plain names',
      member('a', 'xx') + member('b.txt', ''),
      [
        ['a', 'xx'],
        ['b.txt', ''],
      ],
    ],
    [
      'odd sizes',
      member('a', 'x') + member('b', 'yyy'),
      [
        ['a', 'x'],
        ['b', 'yyy'],
      ],
    ],
    ['no padding at the very end', `${header('a', 1)}x`, [['a', 'x']]],
    ['a slash at the end', member('debian-binary/', '2.0\n'), [['debian-binary', '2.0\n']]],
    ['a name with spaces', member('a b/', 'x'), [['a b', 'x']]],
    [
      'GNU long names',
      member('//', 'a-very-long-name.txt/\nanother-long-name/\n') + member('/0', 'x') + member('/22', 'y'),
      [
        ['a-very-long-name.txt', 'x'],
        ['another-long-name', 'y'],
      ],
    ],
    ['BSD long names', member('#1/20', 'a-very-long-name.o\0\0rest'), [['a-very-long-name.o', 'rest']]],
    ['symbol tables', member('/', '\0\0\0\0') + member('/SYM64/', '') + member('a', 'x'), [['a', 'x']]],
  ])('reads %s', async (_name, body, expected) => {
    expect(await list(write(`!<arch>\n${body}`))).toEqual(expected);
  });

  it.each<[string, string, string]>([
    ['an empty file', '', 'ICT_ARCHIVE_AR'],
    ['a short file', '!<arc', 'ICT_ARCHIVE_AR'],
    ['a thin archive', `!<thin>\n${member('a', 'x')}`, 'ICT_ARCHIVE_AR'],
    ['a bad header end', `!<arch>\n${header('a', 1).replace('`', '?')}x\n`, 'ICT_ARCHIVE_AR'],
    ['a negative size', `!<arch>\n${header('a', -1)}`, 'ICT_ARCHIVE_AR'],
    ['an empty size', `!<arch>\n${header('a', '')}`, 'ICT_ARCHIVE_AR'],
    ['a hexadecimal size', `!<arch>\n${header('a', '0x10')}`, 'ICT_ARCHIVE_AR'],
    ['no name', `!<arch>\n${member('', 'x')}`, 'ICT_ARCHIVE_AR'],
    ['a name of no table', `!<arch>\n${member('/0', 'x')}`, 'ICT_ARCHIVE_AR'],
    ['a name beyond the table', `!<arch>\n${member('//', 'abc/\n')}${member('/9', 'x')}`, 'ICT_ARCHIVE_AR'],
    ['a BSD name longer than its member', `!<arch>\n${member('#1/9', 'x')}`, 'ICT_ARCHIVE_AR'],
    ['half a header', `!<arch>\n${member('a', 'xx')}${header('b', 0).slice(0, 30)}`, 'ICT_ARCHIVE_TRUNCATED'],
    ['half a member', `!<arch>\n${header('a', 10)}xxxx`, 'ICT_ARCHIVE_TRUNCATED'],
    ['an enormous member', `!<arch>\n${header('a', 9999999999)}x`, 'ICT_ARCHIVE_TRUNCATED'],
  ])('refuses %s', async (_name, content, code) => {
    await expect(list(write(content))).rejects.toMatchObject({ code });
  });

  it('notices a file that became shorter', async () => {
    const file = write(`!<arch>\n${member('a', 'x'.repeat(1000))}`);
    const members: ArMember[] = await gather(readAr(file));
    truncateSync(file, 500);
    expect(members).toHaveLength(1);
    await expect(collect(openArMember(file, members[0] as ArMember))).rejects.toMatchObject({ code: 'ICT_ARCHIVE_TRUNCATED' });
  });

  it('ends or fails with its own code for any bytes', async () => {
    const file = write('');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .array(fc.oneof(fc.constantFrom(member('a', 'x'), member('//', 'n/\n'), member('/0', ''), header('b', 7), '#1/3'), fc.string()))
        .map((parts) => Buffer.from(parts.join(''))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.boolean(), async (body, magic) => {
        writeFileSync(file, magic ? Buffer.concat([Buffer.from('!<arch>\n'), body]) : body);
        const outcome = await list(file).then(
          () => 'listed',
          (error: { code?: string }) => error.code,
        );
        expect(['listed', 'ICT_ARCHIVE_AR', 'ICT_ARCHIVE_TRUNCATED']).toContain(outcome);
      }),
    );
  });
});
