import { stat } from 'node:fs/promises';
import { errnoOf } from '@ict/integrity';
import { cliError } from './errors.js';

/** @throws `ICT_CLI_USAGE` for a template in place of an image. */
export function refuseTemplate(image: string): void {
  if (!/\.ya?ml$/.test(image)) return;
  throw cliError('ICT_CLI_USAGE', {
    message: `${image} is a template, and no image`,
    hint: `Build it with \`ict build ${image}\`, which ends with the path of its image and the command that boots it.`,
  });
}

/** @throws `ICT_CLI_USAGE` for what is evidently no file of an image. */
export async function requireImageFile(path: string, image: string): Promise<void> {
  refuseTemplate(image);
  const found = await stat(path).catch((error: unknown) => {
    throw cliError('ICT_CLI_USAGE', {
      message: `the image ${image} cannot be read: ${errnoOf(error) ?? String(error)}`,
      hint: 'Build it first, or check its path.',
      cause: error,
    });
  });
  if (!found.isFile()) throw cliError('ICT_CLI_USAGE', { message: `${image} is no file`, hint: 'Give the file of an image.' });
}
