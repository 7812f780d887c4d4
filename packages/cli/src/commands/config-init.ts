import { sampleConfig } from '@ict/template';
import { chosenConfigFile, readIfPresent, writeUserFile } from '../config-file.js';
import type { ConfigInitFlags } from '../config-commands.js';
import { cliError } from '../errors.js';
import type { Session } from '../session.js';

/** `ict config init`: a file that explains every setting and sets none; that of the directory unless told otherwise. */
export async function configInit(session: Session, named: string | undefined, flags: ConfigInitFlags): Promise<void> {
  const { surroundings } = session;
  const file = await chosenConfigFile(surroundings, flags, 'project', named);
  if (flags.force !== true && (await readIfPresent(file)) !== undefined) {
    throw cliError('ICT_CLI_FILE_EXISTS', {
      message: `${file} exists already`,
      hint: 'Name another file, or give --force to replace it.',
      facts: { file },
    });
  }
  await writeUserFile(file, `${sampleConfig()}\n`, surroundings);
  session.document({ file });
  session.result(`${file} written\n`);
}
