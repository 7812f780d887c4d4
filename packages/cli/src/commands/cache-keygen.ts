import { rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ensureDirectory, writeNewFile } from '@ict/integrity';
import { generateKeys, keyId, readPublicKey } from '@ict/remote-cache';
import { cliError } from '../errors.js';
import { giveToInvoker } from '../invoker.js';
import type { Session } from '../session.js';
import { unwritableFile } from '../unwritable-file.js';
import { plainText } from '../views/terminal-text.js';

/** `ict cache keygen`: a new key for a remote cache, its public half in a file of the same name and `.pub`. Nothing is ever replaced. */
export async function cacheKeygen(session: Session, name: string): Promise<void> {
  const { surroundings } = session;
  if (/\.pub$/i.test(name)) {
    throw cliError('ICT_CLI_USAGE', {
      message: `${name} would hold the private key, and is named as if it were the public one`,
      hint: 'Leave out .pub: the public key is written beside the private one.',
    });
  }
  const file = resolve(surroundings.cwd, name);
  const publicFile = `${file}.pub`;
  const { publicPem, privatePem } = generateKeys();
  await writeKey(file, privatePem, 0o600);
  try {
    await writeKey(publicFile, publicPem, 0o644);
  } catch (error) {
    await rm(file, { force: true }).catch(() => undefined); // the cause says more
    throw error;
  }
  await giveToInvoker([file, publicFile], surroundings);
  const id = keyId(readPublicKey(publicPem, publicFile));
  session.document({ file, publicFile, keyId: id });
  session.result(plainText(explanation(file, publicFile, id)));
}

/** @throws `ICT_CLI_FILE_EXISTS`, `ICT_CLI_FILE_UNWRITABLE` */
async function writeKey(file: string, pem: string, mode: number): Promise<void> {
  try {
    ensureDirectory(dirname(file));
    await writeNewFile(file, pem, mode);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    if (code === 'EEXIST') {
      throw cliError('ICT_CLI_FILE_EXISTS', {
        message: `${file} exists already`,
        hint: 'Name another file: a key is never replaced.',
        facts: { file },
        cause,
      });
    }
    throw unwritableFile(file, cause);
  }
}

function explanation(file: string, publicFile: string, id: string): string {
  return `key ${id}
  ${file}: private, for the machine that uploads and nobody else
  ${publicFile}: public, for everybody who is to use what it uploads

Configuration of who uploads:

remote_cache:
  upload_url: https://cache.example.com/ict
  signing_key: ${yamlText(file)}

Configuration of who uses it:

remote_cache:
  urls:
    - https://cache.example.com/ict
  trusted_keys:
    - ${yamlText(publicFile)}
`;
}

/** A path as YAML has it: in double quotes, which read as those of JSON, where it could be taken for something else. */
function yamlText(path: string): string {
  return /^\/[\w@%+=,./-]*$/.test(path) ? path : JSON.stringify(path);
}
