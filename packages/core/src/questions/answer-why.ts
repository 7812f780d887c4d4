import { askIfMeant, nearestNames, suiteNames } from '@ict/package-index';
import type { CatalogueEntry, ResolvedPackage } from '@ict/plugin-api';
import type { Why } from './answers.js';
import { coreError } from '../errors.js';
import type { SettledLock } from '../locks/lock-settling.js';
import { askedSuite, askedVersion, asksForVersion, namesOf, seedName } from '../locks/request-spelling.js';
import { packageGraph } from './package-graph.js';
import type { KnownRelation } from './package-relations.js';
import { whyPaths } from './why-paths.js';

/**
 * Answers why a package is in the image or, failing that, among the programs that write it.
 *
 * @param name of a package, also as `name:arch`, `name.arch`, `name/suite` or `name=version`, with or without its release, and with patterns; or what a
 *   package provides.
 * @param relations finds how the packages need each other; asked only when the package is there.
 * @param providersOf finds packages that provide a name; asked only when no package is called so.
 * @throws `ICT_PACKAGE_NOT_CHOSEN` when it is in neither, or in another version, or from another suite.
 */
export async function answerWhy(
  template: string,
  name: string,
  { lock, request }: SettledLock,
  foreignArchitectures: readonly string[],
  relations: () => Promise<readonly KnownRelation[]>,
  providersOf: (name: string) => Promise<CatalogueEntry['providers']>,
): Promise<Why> {
  const [wanted, version, suite] = [seedName(name), askedVersion(name), askedSuite(name)];
  const isCalled = (pkg: ResolvedPackage): boolean => namesOf(pkg).includes(wanted);
  const named = [lock.packages.filter(isCalled), lock.tools.filter(isCalled)];
  const there = named.flat().filter((pkg) => suite === undefined || isOfSuite(pkg, suite, lock));
  const called = there.find((pkg) => (version ?? pkg.version) === pkg.version) ?? there.find((pkg) => asksForVersion(name, pkg) !== false);
  const isNobody = called === undefined && wanted === name;
  const providers = isNobody ? providersIn(lock, await providersOf(wanted)) : [];
  const found = called ?? providers[0]?.pkg;
  if (found === undefined) {
    const others = named.find(({ length }) => length > 0) ?? [];
    if (others.length > 0) {
      const versions = [...new Set(others.map((other) => other.version))];
      const repositories = [...new Set(others.map(({ repository }) => repository))];
      const brought =
        suite === undefined
          ? `in version ${versions.join(' and ')}, not ${version}`
          : `from ${repositories.join(' and ')}, not from ${suite}`;
      throw coreError('ICT_PACKAGE_NOT_CHOSEN', {
        message: `${template} brings ${wanted} ${brought}`,
        hint: `Ask \`ict why-not ${template} ${name}\` what keeps that ${suite === undefined ? 'version' : 'one'} out.`,
        facts: { name, versions, repositories },
      });
    }
    const known = [...lock.packages, ...lock.tools].map((pkg) => pkg.name);
    throw coreError('ICT_PACKAGE_NOT_CHOSEN', {
      message: `${template} does not bring a package "${name}"`,
      hint: askIfMeant(nearestNames(wanted, known)) ?? `Ask \`ict why-not ${template} ${name}\` what keeps it out.`,
      facts: { name },
    });
  }
  const isInImage = lock.packages.includes(found);
  const graph = packageGraph(isInImage ? lock.packages : lock.tools, await relations());
  const { id, arch, repository } = found;
  return {
    schemaVersion: 1,
    target: lock.target,
    package: { id, name: found.name, version: found.version, arch, repository },
    part: isInImage ? 'image' : 'tools',
    ...(called === undefined ? { provided: providers.map(({ pkg, provides }) => ({ package: pkg.id, text: provides })) } : {}),
    ...(foreignArchitectures.length === 0 ? {} : { foreignArchitectures }),
    paths: whyPaths(graph, isInImage ? request.image : request.tools, id),
  };
}

/** Whether a package comes from a repository that is meant by the word after `/` in `name/suite`. */
function isOfSuite({ repository }: ResolvedPackage, suite: string, { repositories }: SettledLock['lock']): boolean {
  const origin = repositories.find(({ id }) => id === repository);
  return origin !== undefined && suiteNames({ repository: origin, root: origin.root }).includes(suite);
}

/** Those of the image that provide a name, or failing that those of the tools. */
function providersIn(
  { packages, tools }: SettledLock['lock'],
  providers: CatalogueEntry['providers'],
): readonly { readonly pkg: ResolvedPackage; readonly provides: string }[] {
  const among = (members: readonly ResolvedPackage[]) =>
    members.flatMap((pkg) => {
      const provider = providers.find(({ name, version, arch }) => name === pkg.name && version === pkg.version && arch === pkg.arch);
      return provider === undefined ? [] : [{ pkg, provides: provider.provides }];
    });
  const inImage = among(packages);
  return inImage.length > 0 ? inImage : among(tools);
}
