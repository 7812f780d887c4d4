import { taggedReferences, type StepRecord } from '@ict/cache';
import { canonicalJson, digestOf, type InputDifference } from '@ict/integrity';
import type { Digest, Exporter, Json, LayerRef } from '@ict/plugin-api';
import { cacheUse, type StorageSwitches } from '../cache-use.js';
import { NO_START } from '../compose/delta.js';
import { describeImageMiss, IMAGE_STEP, imageInputs } from '../finalize/image-cache.js';
import type { PlannedStep } from './plan-documents.js';
import type { Loaded } from '../plugins/plugin-host.js';
import type { Intake } from '../templates/template-intake.js';
import { walkSteps, type StepWalk, type WalkedStep } from './step-walk.js';
import { describeDifferences, type StepLook } from '../steps.js';

/** What can be said of a step before a build. */
export interface StepOutlook {
  readonly type: string;
  /** Undefined while it depends on what a step below makes. */
  readonly key?: string;
  /** `hit`: its result is in the cache. `miss`: it would run. `open`: it would run unless the step that it waits for gives the same as before. */
  readonly verdict: 'hit' | 'miss' | 'open';
  /** Why it would run, as a build says it; empty for a hit. */
  readonly reason: string;
  /** Inputs that differ from those of the nearest result, without those that are results of steps that would run. */
  readonly differences: readonly InputDifference[];
  /** Of an open step: the step whose result decides, the nearest below. */
  readonly waitsFor?: string;
  readonly install?: PlannedStep['install'];
  /** Its result, or the nearest one. */
  readonly past?: StepRecord;
}

/**
 * Looks ahead at the steps of a build, in their order; first comes the finished image, where those are used. Steps above one that would run
 * are looked up as if that gave what it gave the last time, or with what stands for it.
 */
export async function foreseeSteps(
  walk: StepWalk,
  exporters: readonly Loaded<Exporter>[],
  { spec }: Pick<Intake, 'spec'>,
  storage: StorageSwitches,
): Promise<readonly StepOutlook[]> {
  const found = cacheUse({}, storage, spec).images ? await foreseeImage(walk, exporters) : [];
  const assumed = new Assumed();
  await walkSteps(walk, async (step) => {
    const { outlook, output } = await foresee(step, walk, assumed);
    found.push(outlook);
    return output;
  });
  return found;
}

/** The finished image, which a build looks for first. Nothing where its inputs are not known beforehand. */
async function foreseeImage(
  { composition, epochSeconds, services }: StepWalk,
  exporters: readonly Loaded<Exporter>[],
): Promise<StepOutlook[]> {
  const inputs = imageInputs(composition, exporters, epochSeconds);
  if (inputs === undefined) return [];
  const step = { type: IMAGE_STEP, key: services.images.key(inputs) };
  const found = await services.images.peek(inputs);
  return [
    found.image === undefined
      ? { ...step, verdict: 'miss', reason: describeImageMiss(found), differences: found.differences }
      : { ...step, verdict: 'hit', reason: '', differences: [] },
  ];
}

/** Inputs that are results of steps below; of those that are only assumed, nothing is said. */
const BELOW = /^input\.(below|kept)\b/;

/** Results that stand for those of steps that would run. */
class Assumed {
  readonly #steps = new Map<Digest, string>();
  #untraced: string | undefined;

  /** The nearest step below, as far as is known, whose result shapes the key of this one. */
  below({ type, key }: WalkedStep): string | undefined {
    const text = JSON.stringify(key);
    const traced = [...this.#steps].filter(([digest]) => text.includes(digest)).at(-1)?.[1];
    return traced ?? (isOfFormat(type) ? this.#untraced : undefined);
  }

  add(type: string, output: Json | undefined): void {
    const references = output === undefined ? [] : [...taggedReferences(output)];
    for (const { digest } of references) {
      this.#steps.delete(digest); // of steps with equal results the last one is the nearest
      this.#steps.set(digest, type);
    }
    // What a format makes keys of is its own affair: of a result without layers and files no digest tells where it went.
    if (isOfFormat(type) && references.length === 0 && (output ?? null) !== null) this.#untraced = type;
  }

  isIn(value: Json | undefined): boolean {
    const text = JSON.stringify(value ?? null);
    return [...this.#steps.keys()].some((digest) => text.includes(digest));
  }
}

const isOfFormat = (type: string): boolean => !type.startsWith('ict.');

/**
 * @param assumed more is added.
 * @returns with the result to go on with, if there is any.
 */
async function foresee(
  step: WalkedStep,
  { build }: StepWalk,
  assumed: Assumed,
): Promise<{ readonly outlook: StepOutlook; readonly output: Json | undefined }> {
  const { type } = step;
  const { key, ...look } = await build.steps.peek(step);
  const past = look.past === undefined ? {} : { past: look.past };
  const waitsFor = assumed.below(step);
  if (look.output !== undefined && waitsFor === undefined)
    return { outlook: { type, key, verdict: 'hit', reason: '', differences: [], ...past }, output: look.output };
  const output = likelyOutput(step, look);
  if (waitsFor === undefined) {
    assumed.add(type, output);
    const { reason, differences } = look;
    return { outlook: { type, key, verdict: 'miss', reason, differences, ...(await installWay(step)), ...past }, output };
  }
  const own = look.differences.filter(({ path, after }) => !BELOW.test(path) && !assumed.isIn(after));
  assumed.add(type, output);
  const open = look.past !== undefined && own.length === 0 && (look.output !== undefined || look.differences.length > 0);
  const outlook: StepOutlook = open
    ? { type, verdict: 'open', reason: `depends on what ${waitsFor} makes`, differences: [], waitsFor, ...past }
    : {
        type,
        verdict: 'miss',
        reason: own.length > 0 ? describeDifferences(own) : look.reason,
        differences: own,
        ...past,
      };
  return { outlook: { ...outlook, ...(await installWay(step, waitsFor)) }, output };
}

/**
 * What to go on with: the stored result, the nearest one, or what stands for one that was never made. The nearest one counts only where it has
 * the form that the build would meet: of the results of an image format those of the same code, which alone knows it; of all others layers.
 */
function likelyOutput(step: WalkedStep, { output, past }: StepLook): Json | undefined {
  const { type, unmade } = step;
  if (output !== undefined) return output;
  const digest = digestOf(`never made: ${type}`);
  if (isOfFormat(type)) return past !== undefined && isOfSameCode(past, step) ? past.output : unmade?.(digest);
  // A layer of a template that was of no type gave none.
  const made = past?.output as unknown as Partial<LayerRef> | null | undefined;
  return made?.kind === 'layer' ? past?.output : { kind: 'layer', digest, entries: 0, sizeBytes: 0 };
}

function isOfSameCode({ inputs }: StepRecord, { version, by }: WalkedStep): boolean {
  const before = inputs as { readonly version?: Json; readonly by?: Json };
  return canonicalJson([before.version ?? null, before.by ?? null]) === canonicalJson([version, { ...by }]);
}

/**
 * Of a step that would run and installs packages: on a copy of a cached layer, or cleanly, and why.
 *
 * @param waitsFor the step that makes what packages are installed over.
 */
async function installWay({ way }: WalkedStep, waitsFor?: string): Promise<Pick<StepOutlook, 'install'>> {
  const found = await way?.();
  if (found === undefined) return {};
  const { kind, reason } = found;
  const holds = waitsFor === undefined || (kind === 'clean' && found.overAnyBase === true);
  if (holds) return { install: { way: kind, reason } };
  // What lies over it now counts only where that comes out as before, which is known when it was made.
  return { install: { way: 'clean', reason: `${NO_START}, unless ${waitsFor} gives the same as before` } };
}
