import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { readDeb, type DebOptions } from './deb.js';

const MAGIC = '!<arch>\n';
const HEADER_BYTES = 60;
/** What the ten digits of a member's size can say. */
const MAX_MEMBER_BYTES = 10 ** 10 - 1;

/**
 * Writes a package anew with nothing in it compressed, as the new file `out`: dpkg and {@link readDeb} find the same in both. Members that
 * they ignore are left out. The bytes depend on the two archives in the package alone.
 *
 * @throws what {@link readDeb} and the streams of its result fail with; Node's own error for `out`. Nothing stays there then.
 * @see deb(5)
 */
export async function writePlainDeb(file: string, out: string, options: DebOptions = {}): Promise<void> {
  const { maxDataBytes = MAX_MEMBER_BYTES } = options;
  const deb = await readDeb(file, { ...options, maxDataBytes: Math.min(maxDataBytes, MAX_MEMBER_BYTES) });
  const target = openSync(out, 'wx', 0o644);
  try {
    writeSync(target, MAGIC);
    await writeMember(target, 'debian-binary', async () => void writeSync(target, '2.0\n'));
    await writeMember(target, 'control.tar', () => deb.writeControlTar(target));
    await writeMember(target, 'data.tar', () => deb.writeDataTar(target));
  } catch (error) {
    await unlink(out);
    throw error;
  } finally {
    closeSync(target);
  }
}

/** Appends a member: the content first, then the header, which says how long it became. */
async function writeMember(target: number, name: string, writeContent: () => Promise<void>): Promise<void> {
  const { size: start } = fstatSync(target);
  writeSync(target, ' '.repeat(HEADER_BYTES));
  await writeContent();
  const sizeBytes = fstatSync(target).size - start - HEADER_BYTES;
  writeSync(target, header(name, sizeBytes), start);
  if (sizeBytes % 2 === 1) writeSync(target, '\n');
}

/** A member of time 0 that root owns. */
function header(name: string, sizeBytes: number): string {
  const fields = [name.padEnd(16), '0'.padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8), String(sizeBytes).padEnd(10)];
  return `${fields.join('')}\`\n`;
}
