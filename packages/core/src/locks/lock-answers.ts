import { isPattern } from '@ict/package-index';
import type { ResolvedPackage } from '@ict/plugin-api';
import type { Lock } from './lock.js';
import { unreadable, type LockSource } from './lock-source.js';
import type { RequestAnswers } from './request-answers.js';
import { isPackageId, namesOf, seedName } from './request-spelling.js';

/**
 * Checks that everything that was asked has its packages: nothing else tells that one is gone which no other requires. What a package provides
 * is not in a lock, so one of another name is believed when it is there for what was asked, and no package has the very name.
 *
 * @throws `ICT_LOCK_UNREADABLE`
 */
export function checkAnswers(source: LockSource, lock: Lock): void {
  const { asked, answers } = lock;
  if (!isAnswers(answers)) throw unreadable(source, 'it does not say which packages answer what was asked', { path: ['answers'] });
  if (asked === undefined) throw unreadable(source, 'it has answers, and does not say what was asked', { path: ['answers'] });
  const lists = { image: lock.packages, tools: lock.tools };
  for (const part of ['image', 'tools'] as const) {
    const packages = new Map(lists[part].map((pkg) => [pkg.id, pkg]));
    const byName = Map.groupBy(lists[part], ({ name }) => name);
    const architectures = new Set(lists[part].map(({ arch }) => arch));
    for (const [place, request] of asked[part].entries()) {
      if (!Object.hasOwn(answers[part], request)) {
        const path = ['asked', part, place];
        throw unreadable(source, `"${request}" was asked for, and it does not say which package answers that`, { path });
      }
      const path = ['answers', part, request];
      const answer = answers[part][request]!;
      const lost = answer.find((id) => !packages.has(id));
      if (lost !== undefined) throw unreadable(source, `"${request}" is answered by ${lost}, which it does not have`, { path });
      if (answer.length === 0) {
        if (mayBeNone(request, architectures)) continue;
        throw unreadable(source, `"${request}" was asked for, and it says that no package answers that`, { path });
      }
      const named = namedBy(request, byName, architectures);
      for (const id of answer) {
        if (named.some((pkg) => pkg.id === id)) continue;
        if (named.length > 0) {
          throw unreadable(source, `"${request}" is answered by ${id}, and not by ${named[0]!.id}, which it has`, { path });
        }
        if (!isAskedFor(packages.get(id)!)) {
          throw unreadable(source, `"${request}" is answered by ${id}, which was not asked for`, { path });
        }
      }
    }
  }
  const ids = new Set(lock.packages.map(({ id }) => id));
  const lost = answers.essential.find((id) => !ids.has(id));
  if (lost !== undefined)
    throw unreadable(source, `${lost} is of the base set, and it does not have that`, { path: ['answers', 'essential'] });
}

function isAnswers(value: unknown): value is RequestAnswers {
  if (!isMapping(value)) return false;
  const { image, tools, essential } = value;
  return isTexts(essential) && [image, tools].every((part) => isMapping(part) && Object.values(part).every(isTexts));
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string' && text !== '');
}

/** A group may have no members, and a stream of a module (`name:stream`) may only be enabled. All else asks for a package. */
function mayBeNone(request: string, architectures: ReadonlySet<string>): boolean {
  return request.startsWith('@') || qualifierOf(request, architectures) === 'other';
}

/** The packages that have the very name which is asked for, of the architecture that is, where one of them is of that. */
function namedBy(
  request: string,
  byName: ReadonlyMap<string, readonly ResolvedPackage[]>,
  architectures: ReadonlySet<string>,
): readonly ResolvedPackage[] {
  const wanted = seedName(request);
  if (/^[@/]/.test(wanted) || isPattern(wanted) || qualifierOf(request, architectures) === 'other') return [];
  const [name] = wanted.split(':') as [string];
  const alike = [...(byName.get(name) ?? []), ...(byName.get(name.replace(/\.[^.]*$/, '')) ?? [])];
  const exact = alike.filter((pkg) => namesOf(pkg).includes(wanted));
  return exact.length > 0 ? exact : (byName.get(name) ?? []);
}

/** What `native` and others mean depends on the image; all of them are architectures. */
const ANY_ARCHITECTURE: readonly string[] = ['native', 'any', 'all'];

/** What stands behind the colon of a request: an architecture, as far as the lock knows them, or something else. */
function qualifierOf(request: string, architectures: ReadonlySet<string>): 'none' | 'architecture' | 'other' {
  const qualifier = /^[^/=]*:([^/=]*)/.exec(request)?.[1];
  if (qualifier === undefined) return 'none';
  return architectures.has(qualifier) || ANY_ARCHITECTURE.includes(qualifier) ? 'architecture' : 'other';
}

/** Whether a package is there for a request itself, and not only as others need it or as part of the base set. */
function isAskedFor({ requestedBy }: ResolvedPackage): boolean {
  return requestedBy.some((reason) => reason !== 'essential' && !isPackageId(reason));
}
