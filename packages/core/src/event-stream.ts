import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  fromErrorRecord,
  isIctError,
  toErrorRecord,
  type BuildEvent,
  type EventBody,
  type ProblemReport,
  type Stage,
} from '@ict/plugin-api';
import { redactData } from '@ict/template';

/** Stamps what parts of the engine say, and times the stages. */
export class EventStream {
  private readonly build = randomUUID();
  private readonly sink: (event: BuildEvent) => void;
  private stage: Stage | undefined;
  private secrets: readonly string[] = [];
  private readonly durations = new Map<Stage, number>();
  private readonly told = new Set<string>();

  constructor(sink: (event: BuildEvent) => void) {
    this.sink = sink;
  }

  /** From now on, no event shows these texts, and no error of `run` or `covering`. */
  cover(secrets: readonly string[]): void {
    this.secrets = [...new Set([...this.secrets, ...secrets])];
  }

  /** Whatever is asked of the same repository may tell the same of it: people read a warning once. */
  readonly emit = (body: EventBody): void => {
    if (body.type === 'warning') {
      const told = JSON.stringify([body.code, body.message, body.position]);
      if (this.told.has(told)) return;
      this.told.add(told);
    }
    this.sink({
      ...redactData(body, this.secrets),
      v: 1,
      time: new Date().toISOString(),
      build: this.build,
      ...(this.stage === undefined || 'stage' in body ? {} : { stage: this.stage }),
    });
  };

  /** Time of each stage so far; one that ran again after a damaged layer counts both times. */
  stages(): readonly { readonly stage: Stage; readonly durationMs: number }[] {
    return [...this.durations].map(([stage, durationMs]) => ({ stage, durationMs }));
  }

  /** Runs `work`; what it throws shows none of the covered texts, wherever they came from: a command may have printed one. */
  async covering<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.coverError(error);
    }
  }

  private coverError(error: unknown): unknown {
    const record = toErrorRecord(error);
    const covered = redactData(record, this.secrets);
    if (isDeepStrictEqual(covered, record)) return error;
    return isIctError(error) ? fromErrorRecord(covered) : new Error(covered.message);
  }

  /** Runs `work` as a stage: its start, its end and its time are events. */
  async run<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    this.stage = stage;
    this.emit({ type: 'stage.start', stage });
    try {
      const result = await this.covering(work);
      const durationMs = Math.round(performance.now() - start);
      this.durations.set(stage, (this.durations.get(stage) ?? 0) + durationMs);
      this.emit({ type: 'stage.done', stage, durationMs });
      return result;
    } finally {
      this.stage = undefined;
    }
  }
}

/** The event that tells of a problem which does not stop the work. */
export function warningEvent({ code, message, hint, position }: ProblemReport): EventBody {
  return { type: 'warning', code, message, hint, position };
}
