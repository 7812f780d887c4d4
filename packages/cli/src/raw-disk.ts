import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInitrdName } from '@ict/boot';
import { systemErrorOf } from '@ict/integrity';
import { isIctError } from '@ict/plugin-api';
import { convertDisk, endingOf, programsWords, sourceForms } from './disk-forms.js';
import { cliError } from './errors.js';
import { refuseOtherContent } from './file-content.js';

/**
 * Does something with the raw disk of an image, which is made for as long as that takes where the image has another form, as its ending tells; with an initrd as it is.
 *
 * @param temporaryDirectory where it is made, and which is made where it is not there; undefined for that of the system.
 * @throws `ICT_CLI_USAGE` where it cannot be made or is evidently no disk, `ICT_CLI_HOST_MISSING` without qemu-img.
 */
export async function withRawDisk<Result>(
  image: string,
  temporaryDirectory: string | undefined,
  signal: AbortSignal,
  work: (raw: string) => Promise<Result>,
): Promise<Result> {
  if (isInitrdName(image)) return work(image);
  const form = sourceForms[endingOf(image)];
  if (form === undefined || (form.format === 'raw' && form.compression === undefined)) {
    await refuseOtherContent(image, image);
    return work(image);
  }
  const refuse = (error: unknown): never => {
    throw unmade(image, error);
  };
  if (temporaryDirectory !== undefined) await mkdir(temporaryDirectory, { recursive: true }).catch(refuse);
  const directory = await mkdtemp(join(temporaryDirectory ?? tmpdir(), 'ict-raw-disk-')).catch(refuse);
  try {
    const raw = join(directory, 'disk.raw');
    await convertDisk(image, form, raw, { format: 'raw' }, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw isIctError(error) && error.code !== 'ICT_ARCHIVE_CORRUPT' ? error : unmade(image, error);
    });
    await refuseOtherContent(raw, image);
    return await work(raw);
  } finally {
    await rm(directory, { recursive: true, force: true }).catch(() => undefined); // what went wrong before says more
  }
}

function unmade(image: string, error: unknown): Error {
  return cliError('ICT_CLI_USAGE', {
    message: `the raw disk of ${image} cannot be made: ${programsWords(error) ?? systemErrorOf(error) ?? (error as Error).message}`,
    hint: 'Check that the file is whole and what its ending says; --temp-dir names a directory with room for the disk.',
    facts: { image },
    cause: error,
  });
}
