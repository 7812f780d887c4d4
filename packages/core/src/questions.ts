import type { ResolvedPackage } from '@ict/plugin-api';
import type { GraphDocument, Why } from './engine-api.js';
import { coreError } from './errors.js';
import { dotGraph } from './dependency-graph.js';
import { reduceGraph } from './graph-reduction.js';
import type { SettledLock } from './lock-settling.js';
import { didYouMean } from './nearest-names.js';
import { packageGraph } from './package-graph.js';
import { recallRelations } from './package-relations.js';
import type { Services } from './services.js';
import { whyPaths } from './why.js';

type Memory = Pick<Services, 'context'>;

/**
 * Answers why a package is in the image or, failing that, among the programs that write it.
 *
 * @param name of a package, or its id `name:arch`.
 * @throws `ICT_PACKAGE_NOT_CHOSEN` when it is in neither.
 */
export async function answerWhy(template: string, name: string, { lock, request }: SettledLock, { context }: Memory): Promise<Why> {
  const find = (packages: readonly ResolvedPackage[]) => packages.find((pkg) => pkg.name === name || pkg.id === name);
  const inImage = find(lock.packages);
  const found = inImage ?? find(lock.tools);
  if (found === undefined) {
    const known = [...lock.packages, ...lock.tools].map((pkg) => pkg.name);
    throw coreError('ICT_PACKAGE_NOT_CHOSEN', {
      message: `${template} does not bring a package "${name}"`,
      hint: didYouMean(name, known) ?? `Ask \`ict why-not ${template} ${name}\` what keeps it out.`,
      facts: { name },
    });
  }
  const graph = packageGraph(inImage === undefined ? lock.tools : lock.packages, await recallRelations(lock, context.memo));
  const { id, version, arch, repository } = found;
  return {
    schemaVersion: 1,
    target: lock.target,
    package: { id, name: found.name, version, arch, repository },
    part: inImage === undefined ? 'tools' : 'image',
    paths: whyPaths(graph, inImage === undefined ? request.tools : request.image, id),
  };
}

/** The closure of the image as a graph. @param reduce leaves out edges that other ways imply. */
export async function answerGraph(reduce: boolean, { lock }: SettledLock, { context }: Memory): Promise<GraphDocument> {
  const whole = packageGraph(lock.packages, await recallRelations(lock, context.memo));
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
