import { stat } from 'node:fs/promises';
import { errnoOf } from '@ict/integrity';
import { cliError } from './errors.js';

/** @throws `ICT_CLI_USAGE` for what is evidently no file of an image. */
export async function requireImageFile(path: string, image: string): Promise<void> {
  if (/\.ya?ml$/.test(image)) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${image} is a template, and no image`,
      hint: `Build it with \`ict build ${image}\`, which ends with the path of its image.`,
    });
  }
  const found = await stat(path).catch((error: unknown) => {
    throw cliError('ICT_CLI_USAGE', {
      message: `the image ${image} cannot be read: ${errnoOf(error) ?? String(error)}`,
      hint: 'Build it first, or check its path.',
      cause: error,
    });
  });
  if (!found.isFile()) throw cliError('ICT_CLI_USAGE', { message: `${image} is no file`, hint: 'Give the file of an image.' });
}
