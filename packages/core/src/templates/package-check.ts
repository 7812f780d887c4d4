import { isIctError, toErrorRecord, type IctError, type ProblemReport } from '@ict/plugin-api';
import type { Validation } from '../engine-api.js';
import { coreError } from '../errors.js';
import type { Intake } from './template-intake.js';

/** What is known of the packages of a template: what is wrong with them, or what could not be read to tell. */
export interface PackageVerdict extends Pick<Validation, 'unread'> {
  readonly problems: readonly ProblemReport[];
}

/**
 * Resolves the packages of a template, to see whether that can be done.
 *
 * @param template as the user names it; undefined when it is a text without a file
 * @param resolve pins and resolves
 * @throws what is neither about the template nor about what it asks: an interruption, a mistake of ours
 */
export async function checkPackages(
  template: string | undefined,
  { distribution }: Pick<Intake, 'distribution'>,
  resolve: () => Promise<unknown>,
): Promise<PackageVerdict> {
  try {
    await resolve();
    return { problems: [] };
  } catch (error) {
    if (!isIctError(error) || error.kind === 'interrupted' || error.kind === 'internal') throw error;
    if (error.kind === 'offline') return { problems: [], unread: toErrorRecord(notCached(template, distribution.title, error)) };
    if (error.kind !== 'invalid' && error.kind !== 'unsolvable') return { problems: [], unread: toErrorRecord(error) };
    const { code, message, hint, problems } = error;
    return { problems: problems.length > 0 ? problems : [{ code, message, ...(hint === undefined ? {} : { hint }), severity: 'error' }] };
  }
}

/** Validation asks nothing of the network: the same command again is no way out. */
function notCached(template: string | undefined, title: string, cause: IctError): IctError {
  return coreError('ICT_METADATA_NOT_CACHED', {
    message: `the packages cannot be checked: the cache does not have the metadata of the repositories of ${title}`,
    hint: `Fetch it with \`ict plan ${template ?? 'TEMPLATE'}\`, which reads the repositories and builds nothing.`,
    facts: cause.facts,
    cause,
  });
}
