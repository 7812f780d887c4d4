import { taggedReferences, type StepRecord } from '@ict/cache';
import type { InputDifference } from '@ict/integrity';
import type { Exporter, SourcePosition } from '@ict/plugin-api';
import type { StorageSwitches } from '../cache-use.js';
import type { ExplainedDifference, ExplainedStep, Explanation } from './plan-documents.js';
import { inputOrigin } from './input-origin.js';
import type { SettledLock } from '../locks/lock-settling.js';
import { packageGraph } from '../questions/package-graph.js';
import { recallRelations, statedRelations } from '../questions/package-relations.js';
import { planTemplateContent } from './plan.js';
import type { Loaded } from '../plugins/plugin-host.js';
import type { Services } from '../services.js';
import { foreseeSteps } from './step-outlook.js';
import { planWalk } from './step-walk.js';
import type { Intake } from '../templates/template-intake.js';
import { whyPaths } from '../questions/why-paths.js';

/**
 * Says of each step of a build whether it would hit and, if not, which inputs changed. Steps above one that would run are looked up as if
 * that gave what it gave the last time.
 */
export async function explainCache(
  intake: Intake,
  settled: SettledLock,
  exporters: readonly Loaded<Exporter>[],
  storage: StorageSwitches,
  services: Services,
): Promise<Explanation> {
  const { lock } = settled;
  const { files, fetchBytes } = await planTemplateContent(lock, intake, storage, services);
  const walk = await planWalk(intake, settled, files, services);
  const positionOf = await packagePositions(settled, services);
  const steps = (await foreseeSteps(walk, exporters, intake, storage)).map(
    ({ type, verdict, reason, differences, waitsFor, install, past }) => ({
      type,
      verdict,
      reason,
      differences: differences.map((difference) => explainDifference(type, difference, intake, positionOf)),
      ...(waitsFor === undefined ? {} : { waitsFor }),
      ...(install === undefined ? {} : { install }),
      ...(past === undefined ? {} : { past: pastOf(past) }),
    }),
  );
  return { schemaVersion: 1, target: lock.target, steps, fetchBytes };
}

function explainDifference(
  step: string,
  difference: InputDifference,
  { spec }: Intake,
  positionOf: (id: string) => SourcePosition | undefined,
): ExplainedDifference {
  const { path, before, after } = difference;
  const position = inputOrigin(step, difference, spec, positionOf);
  return {
    path,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(position === undefined ? {} : { position }),
  };
}

function pastOf({ storedAt, durationMs, output }: StepRecord): NonNullable<ExplainedStep['past']> {
  return {
    madeAt: new Date(storedAt * 1000).toISOString(),
    ...(durationMs === undefined ? {} : { durationMs }),
    sizeBytes: [...taggedReferences(output)].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

/** Finds the line of the template that brings a package, by the shortest way from something that was asked for. */
async function packagePositions(
  { lock, request }: SettledLock,
  { context }: Pick<Services, 'context'>,
): Promise<(id: string) => SourcePosition | undefined> {
  const graph = packageGraph(lock.packages, (await recallRelations(lock, context.memo)) ?? statedRelations(lock));
  return (id) => whyPaths(graph, request.image, id).find(({ position }) => position !== undefined)?.position;
}
