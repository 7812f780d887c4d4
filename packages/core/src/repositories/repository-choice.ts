import { askIfMeant, nearestNames } from '@ict/package-index';
import type { RepositorySpec } from '@ict/plugin-api';
import { coreError } from '../errors.js';

/** What a question without template says of repositories. */
export interface RepositoryChoice {
  /** Only these suites; default: all. */
  readonly suites?: readonly string[];
  /** Only these components; default: all. */
  readonly components?: readonly string[];
  /**
   * Archives, each as `ADDRESS` or, as in a sources.list, `ADDRESS SUITE COMPONENT...`; one that begins with `+` comes beside the
   * definition's, any other takes their place. Where repositories have no suites, `ADDRESS repoGpgCheck=false` is one whose metadata nobody
   * signs.
   */
  readonly archives?: readonly string[];
  /** Absolute paths of keyrings for these archives; default: those of the definition. */
  readonly keyrings?: readonly string[];
}

/**
 * The repositories of a definition, narrowed and replaced as asked. An archive that is named has the suite and components that
 * stand behind its address, else those that are asked for, else those that the definition takes from its first archive.
 *
 * @returns each under an id that no other has.
 * @throws `ICT_REPOSITORY_UNKNOWN` for a suite or component that nothing has, or that an archive cannot have.
 */
export function chooseRepositories(defined: readonly RepositorySpec[], choice: RepositoryChoice): readonly RepositorySpec[] {
  const { suites = [], components = [], archives = [] } = choice;
  const added = archives.flatMap((text, number) => {
    return archiveRepositories(defined, choice, text, archives.length === 1 ? 'repo' : `repo${number + 1}`);
  });
  const replaced = archives.some((text) => !text.startsWith('+'));
  // Where each archive has its own, the flags speak of the target alone.
  const said = archives.map(readArchive);
  if (!replaced && said.every(({ suite }) => suite !== undefined)) {
    requireKnown(
      'suite',
      suites,
      defined.map(({ suite }) => suite),
    );
  }
  if (!replaced && said.every(({ suite, components: own }) => own.length > 0 || suite?.endsWith('/') === true)) {
    requireKnown(
      'component',
      components,
      defined.flatMap((one) => one.components),
    );
  }
  const kept = replaced ? [] : narrow(defined, suites, components);
  const ids = new Set(kept.map(({ id }) => id));
  return [...kept, ...added.map((one) => ({ ...one, id: unusedId(one.id, ids) }))];
}

/** Behind an address: nobody signs the metadata there. As definitions write it. */
const UNSIGNED = 'repoGpgCheck=false';

/** An archive as it was given, taken apart. */
function readArchive(text: string) {
  const [address = '', ...words] = text.replace(/^\+/, '').split(/\s+/);
  const [suite, ...components] = words.filter((word) => word !== UNSIGNED);
  return { address, suite, components, unsigned: words.includes(UNSIGNED) };
}

/** @param used gets the id. */
function unusedId(wanted: string, used: Set<string>): string {
  let id = wanted;
  for (let number = 2; used.has(id); number++) id = `${wanted}-${number}`;
  used.add(id);
  return id;
}

function archiveRepositories(
  defined: readonly RepositorySpec[],
  { suites = [], components = [], keyrings }: RepositoryChoice,
  text: string,
  id: string,
): readonly RepositorySpec[] {
  const { address, suite: ownSuite, components: ownComponents, unsigned } = readArchive(text);
  const models = defined.filter((one) => one.archive === defined[0].archive);
  const flat = defined.every(({ suite }) => suite === '');
  if (unsigned && !flat) {
    const hint = `Leave "${UNSIGNED}" out, and sign the archive: the signed root is all that vouches for its packages.`;
    throw impossible(`unsigned metadata ("${UNSIGNED}")`, 'archives of the target are always signed', hint);
  }
  if (ownSuite !== undefined && flat) {
    throw impossible(`the suite "${ownSuite}"`, 'repositories of the target have none', 'Give the address alone.');
  }
  if (ownSuite?.endsWith('/') === true && ownComponents.length > 0) {
    const hint = `Leave "${ownComponents.join(' ')}" out, or name a suite that does not end in a slash.`;
    throw impossible(`the component "${ownComponents[0]}"`, `"${ownSuite}" is a flat repository, which has none`, hint);
  }
  const names = ownSuite !== undefined ? [ownSuite] : suites.length > 0 ? suites : models.map(({ suite }) => suite);
  const wanted = ownComponents.length > 0 ? ownComponents : components;
  return names.map((suite) => {
    const model = models.find((one) => one.suite === suite) ?? models[0];
    const name = suite.replace(/^[./]+|\/+$/g, '');
    return {
      // A flat archive may be all of its suite, and an rpm repository has none.
      id: name === '' ? id : `${id}-${name}`,
      archive: address.replace(/\/+$/, ''),
      suite,
      components: suite.endsWith('/') ? [] : wanted.length > 0 ? wanted : model.components,
      keyrings: keyrings ?? model.keyrings,
      ...(unsigned ? { repoGpgCheck: false } : {}),
    };
  });
}

/** What stands behind the address of an archive, and cannot. */
function impossible(what: string, why: string, hint: string): Error {
  return coreError('ICT_REPOSITORY_UNKNOWN', { message: `an archive is asked for ${what}, but ${why}`, hint });
}

function narrow(defined: readonly RepositorySpec[], suites: readonly string[], components: readonly string[]): readonly RepositorySpec[] {
  return defined
    .filter(({ suite }) => suites.length === 0 || suites.includes(suite))
    .map((one) => (components.length === 0 ? one : { ...one, components: one.components.filter((name) => components.includes(name)) }))
    .filter((one) => components.length === 0 || one.components.length > 0);
}

function requireKnown(what: string, asked: readonly string[], known: readonly string[]): void {
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw coreError('ICT_REPOSITORY_UNKNOWN', {
    message: `no repository of the target has the ${what} "${unknown}"`,
    hint:
      askIfMeant(nearestNames(unknown, known)) ?? `There is ${[...new Set(known)].join(', ')}; name an archive that has it with --repo.`,
    facts: { [what]: unknown },
  });
}
