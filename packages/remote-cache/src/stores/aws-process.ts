import { entriesOfJson } from './answers.js';
import { readKeys, type AwsAsker, type AwsKeys } from './aws-keys.js';
import { noLogin, placeOf, type AwsSetting } from './aws-profile.js';
import { askProgram } from './secret-program.js';

/** A program may have to ask somebody, as those that log in do. */
const PROCESS_MS = 60_000;

/**
 * Keys that a program prints: `credential_process` of a profile. As with AWS's own tool no shell reads its line. Nothing of the line, and nothing that
 * the program says, is ever told: both may hold secrets.
 *
 * @throws `ICT_REMOTE_CACHE_LOGIN`; the signal's reason.
 * @see "Process credential provider" of the AWS SDKs and Tools Reference Guide
 */
export async function keysOfProcess(
  setting: AwsSetting,
  { env, clock, signal }: Pick<AwsAsker, 'env' | 'clock' | 'signal'>,
  withinMs = PROCESS_MS,
): Promise<AwsKeys> {
  const source = `credential_process (${placeOf(setting)})`;
  const facts = { file: setting.file, line: setting.line };
  const [program, ...args] = wordsOf(setting.value);
  if (program === undefined) throw noLogin(`${source} names no program`, 'Write it with its arguments; each quote needs another.', facts);
  const { error, stdout } = await askProgram(program, args, { env, signal, withinMs });
  if (error !== null) throw noLogin(`${source} ${endOf(error)}`, 'Run it by hand, as the user that builds.', facts);
  const {
    Version: version,
    AccessKeyId: keyId,
    SecretAccessKey: secret,
    SessionToken: sessionToken,
    Expiration: expires,
  } = entriesOfJson(stdout);
  if (version !== 1)
    throw noLogin(`${source} answered something else than keys of version 1`, 'Run it by hand, as the user that builds.', facts);
  return { credentials: readKeys({ keyId, secret, sessionToken, expires }, source, clock()), source };
}

/** How a program ended; an error of Node's would quote its arguments and what it said. */
function endOf({ code, killed, signal }: { readonly code?: unknown; readonly killed?: boolean; readonly signal?: unknown }): string {
  if (code === 'ENOENT') return 'names a program that is not there';
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return 'said too much';
  if (killed === true) return 'took too long';
  return typeof signal === 'string' ? `was ended by ${signal}` : `failed (${typeof code === 'number' ? `status ${code}` : String(code)})`;
}

/** Words of a line as a shell has them, with quotes and backslashes. @returns none where a quote is open. */
export function wordsOf(line: string): readonly string[] {
  const words = [...line.matchAll(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+|\S/gs)].map(([word]) => word);
  if (words.some((word) => /^["'\\]$/.test(word))) return [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs, (_all, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? '') : double.replace(/\\(["\\$`])/g, '$1'),
    ),
  );
}
