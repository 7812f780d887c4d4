import type { ResolvedPackage } from '@ict/plugin-api';
import type { GraphDocument, Why } from './answers.js';
import { coreError } from './errors.js';
import { dotGraph } from './dependency-graph.js';
import { reduceGraph } from './graph-reduction.js';
import type { SettledLock } from './lock-settling.js';
import { namesOf } from './lock-update.js';
import { didYouMean } from './nearest-names.js';
import { packageGraph } from './package-graph.js';
import type { KnownRelation } from './package-relations.js';
import { whyPaths } from './why.js';

/**
 * Answers why a package is in the image or, failing that, among the programs that write it.
 *
 * @param name of a package, also as `name:arch`, `name.arch` or `name=version`.
 * @param relations finds how the packages need each other; asked only when the package is there.
 * @throws `ICT_PACKAGE_NOT_CHOSEN` when it is in neither, or in another version.
 */
export async function answerWhy(
  template: string,
  name: string,
  { lock, request }: SettledLock,
  foreignArchitectures: readonly string[],
  relations: () => Promise<readonly KnownRelation[]>,
): Promise<Why> {
  const [wanted = name, version] = name.split(/=(.*)/s);
  const isCalled = (pkg: ResolvedPackage): boolean => namesOf(pkg).includes(wanted);
  const isMeant = (pkg: ResolvedPackage): boolean => isCalled(pkg) && (version ?? pkg.version) === pkg.version;
  const inImage = lock.packages.find(isMeant);
  const found = inImage ?? lock.tools.find(isMeant);
  if (found === undefined) {
    const all = [...lock.packages, ...lock.tools];
    const other = all.find(isCalled);
    if (other !== undefined) {
      throw coreError('ICT_PACKAGE_NOT_CHOSEN', {
        message: `${template} brings ${wanted} in version ${other.version}, not ${version}`,
        hint: `Ask \`ict why-not ${template} ${name}\` what keeps that version out.`,
        facts: { name, version: other.version },
      });
    }
    const known = all.map((pkg) => pkg.name);
    throw coreError('ICT_PACKAGE_NOT_CHOSEN', {
      message: `${template} does not bring a package "${name}"`,
      hint: didYouMean(wanted, known) ?? `Ask \`ict why-not ${template} ${name}\` what keeps it out, or which package provides it.`,
      facts: { name },
    });
  }
  const graph = packageGraph(inImage === undefined ? lock.tools : lock.packages, await relations());
  const { id, arch, repository } = found;
  return {
    schemaVersion: 1,
    target: lock.target,
    package: { id, name: found.name, version: found.version, arch, repository },
    part: inImage === undefined ? 'tools' : 'image',
    ...(foreignArchitectures.length === 0 ? {} : { foreignArchitectures }),
    paths: whyPaths(graph, inImage === undefined ? request.tools : request.image, id),
  };
}

/** The closure of the image as a graph. @param reduce leaves out edges that other ways imply. */
export function answerGraph(reduce: boolean, { lock }: SettledLock, relations: readonly KnownRelation[]): GraphDocument {
  const whole = packageGraph(lock.packages, relations);
  const graph = reduce ? reduceGraph(whole) : whole;
  return {
    schemaVersion: 1,
    target: lock.target,
    reduced: reduce,
    packages: graph.packages.map(({ id, name, version, arch, sizeBytes, requestedBy }) => ({
      id,
      name,
      version,
      arch,
      sizeBytes,
      requestedBy,
    })),
    edges: graph.edges,
    dot: dotGraph(graph),
  };
}
