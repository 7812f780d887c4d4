import { taggedReferences, type StepRecord } from '@ict/cache';
import { digestOf, type InputDifference } from '@ict/integrity';
import type { Digest, Exporter, Json, SourcePosition } from '@ict/plugin-api';
import { cacheUse, type StorageSwitches } from '../cache-use.js';
import type { ExplainedDifference, ExplainedStep, Explanation } from './plan-documents.js';
import { describeImageMiss, IMAGE_STEP, imageInputs } from '../finalize/image-cache.js';
import { inputOrigin } from './input-origin.js';
import type { SettledLock } from '../locks/lock-settling.js';
import { packageGraph } from '../questions/package-graph.js';
import { recallRelations, statedRelations } from '../questions/package-relations.js';
import { planContent } from './plan.js';
import type { Loaded } from '../plugins/plugin-host.js';
import type { Services } from '../services.js';
import { installWay, planWalk, walkSteps, type StepWalk, type WalkedStep } from './step-walk.js';
import { describeDifferences } from '../steps.js';
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
  const { files, fetchBytes } = await planContent(lock, services.packages(lock, intake.provider.part), services.context.signal);
  const walk = await planWalk(intake, settled, files, services);
  const positionOf = await packagePositions(settled, services);
  const explain = (step: string, differences: readonly InputDifference[]): readonly ExplainedDifference[] =>
    differences.map((difference) => {
      const { path, before, after } = difference;
      const position = inputOrigin(step, difference, intake.spec, positionOf);
      return {
        path,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
        ...(position === undefined ? {} : { position }),
      };
    });
  const steps: ExplainedStep[] = cacheUse({}, storage, intake.spec).images ? await explainImage(walk, exporters, explain) : [];
  const assumed = new Map<Digest, string>();
  await walkSteps(walk, async (step) => {
    const { explained, output } = await explainStep(step, walk, assumed, explain);
    steps.push(explained);
    return output;
  });
  return { schemaVersion: 1, target: lock.target, steps, fetchBytes };
}

type Explain = (step: string, differences: readonly InputDifference[]) => readonly ExplainedDifference[];

/** The finished image, which a build looks for first. Nothing where its inputs are not known beforehand. */
async function explainImage(
  { composition, epochSeconds, services }: StepWalk,
  exporters: readonly Loaded<Exporter>[],
  explain: Explain,
): Promise<ExplainedStep[]> {
  const inputs = imageInputs(composition, exporters, epochSeconds);
  if (inputs === undefined) return [];
  const found = await services.images.find(inputs);
  return [
    found.image === undefined
      ? { type: IMAGE_STEP, verdict: 'miss', reason: describeImageMiss(found), differences: explain(IMAGE_STEP, found.differences) }
      : { type: IMAGE_STEP, verdict: 'hit', reason: '', differences: [] },
  ];
}

/** Inputs that are results of steps below; of those that are only assumed, nothing is said. */
const BELOW = /^input\.(below|kept)\b/;

/**
 * @param assumed digests of results that steps below gave the last time, with the step; more are added.
 * @returns with the result to go on with, if there is any.
 */
async function explainStep(
  step: WalkedStep,
  { build }: StepWalk,
  assumed: Map<Digest, string>,
  explain: Explain,
): Promise<{ readonly explained: ExplainedStep; readonly output: Json | undefined }> {
  const { type } = step;
  const look = await build.steps.peek(step);
  const key = JSON.stringify(step.key);
  const waitsFor = [...assumed].filter(([digest]) => key.includes(digest)).at(-1)?.[1];
  const own =
    waitsFor === undefined
      ? look.differences
      : look.differences.filter(({ path, after }) => !BELOW.test(path) && !mentions(after, assumed.keys()));
  const past = look.past === undefined ? {} : { past: pastOf(look.past) };
  const hit = look.output !== undefined;
  if (hit && waitsFor === undefined)
    return { explained: { type, verdict: 'hit', reason: '', differences: [], ...past }, output: look.output };
  const open = waitsFor !== undefined && look.past !== undefined && own.length === 0 && (hit || look.differences.length > 0);
  const output = look.output ?? look.past?.output ?? standIn(type);
  for (const { digest } of output === undefined ? [] : taggedReferences(output)) assumed.set(digest, type);
  const explained: ExplainedStep = open
    ? { type, verdict: 'open', reason: `depends on what ${waitsFor} makes`, differences: [], waitsFor, ...past }
    : {
        type,
        verdict: 'miss',
        reason: own.length > 0 ? describeDifferences(own) : look.reason,
        differences: explain(type, own),
        ...(waitsFor === undefined ? await installWay(step) : {}),
        ...past,
      };
  return { explained, output };
}

function mentions(value: Json | undefined, digests: Iterable<Digest>): boolean {
  const text = JSON.stringify(value ?? null);
  return [...digests].some((digest) => text.includes(digest));
}

/** What stands for a layer that was never made. Of the results of an image format nothing is known, not even their form. */
function standIn(type: string): Json | undefined {
  return type.startsWith('ict.') ? { kind: 'layer', digest: digestOf(`never made: ${type}`), entries: 0, sizeBytes: 0 } : undefined;
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
