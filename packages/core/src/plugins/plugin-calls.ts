import { isNoFile, systemErrorOf } from '@ict/integrity';
import { isIctError, reasonOf, type Context } from '@ict/plugin-api';
import { coreError } from '../errors.js';
import type { FoundPlugin } from './plugin-manifest.js';
import { ANSWERS, AT_ONCE, ELEMENTS, refusal } from './plugin-answers.js';
import { hearEvent } from './plugin-events.js';
import { faultOf, isStream } from './value-check.js';

/** How long a call may take to end when it was told to stop: what it runs was ended by then, and what it waits for refuses. */
const STOPPING_MS = 5_000;

type PluginName = Pick<FoundPlugin, 'name' | 'version'>;

/**
 * Calls of plugins' functions. What one of them throws without meaning to, answers and should not, or never answers, is told with the name of the
 * plugin and of the function: whoever builds an image did not write it.
 */
export class PluginCalls {
  /** Calls and streams that have not ended, by what gives each of them up. */
  private readonly pending = new Set<() => void>();
  /** What the system said to a plugin, by the call that passed it on. */
  private readonly refused = new WeakMap<object, { readonly plugin: PluginName; readonly name: string }>();

  /** A part of a plugin whose functions, also those of its members, are called through here. */
  guard<T extends object>(part: T, plugin: PluginName, path = ''): T {
    // Own properties of what a proxy stands for, when frozen, must be given as they are; these are inherited.
    return new Proxy(Object.create(part) as T, {
      get: (_target, key) => {
        const member: unknown = Reflect.get(part, key, part);
        if (typeof key === 'symbol' || member === null) return member;
        const name = path === '' ? key : `${path}.${key}`;
        if (typeof member === 'object' && !Array.isArray(member)) return this.guard(member, plugin, name);
        if (typeof member !== 'function') return member;
        return (...args: readonly unknown[]) => {
          const handed = args.map((arg) => hearing(arg, plugin, name));
          return this.call(() => Reflect.apply(member, part, handed) as unknown, args, plugin, name);
        };
      },
    });
  }

  /** Waits for work of a plugin, unless nothing is left that could end it, or it goes on when `signal` has told it to stop. */
  attend<T>(work: Promise<T>, plugin: PluginName, name: string, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = this.begin(reject, plugin, name, signal);
      work.then(resolve, reject).finally(end);
    });
  }

  /**
   * What is told of an error that nobody on its way knew better: one of the system that says that a file is not there, and that a call of a plugin
   * passed on, is of that call.
   */
  blame(error: unknown): unknown {
    const call = isNoFile(error) ? this.refused.get(error as object) : undefined;
    return call === undefined
      ? error
      : pluginFailure(call.plugin, call.name, reasonOf(error), 'It looks for a file that is not there.', error);
  }

  /** What is told of something that was thrown: refusals in the plugin's own words, and what the operating system says, are told as they are. */
  private attribute(error: unknown, signal: AbortSignal | undefined, plugin: PluginName, name: string): unknown {
    if (signal?.aborted === true) return error; // what a build throws that was told to stop is of no interest
    if (systemErrorOf(error) !== undefined && !isIctError(error)) {
      this.refused.set(error as object, { plugin, name });
      return error;
    }
    if (!isIctError(error)) {
      return pluginFailure(plugin, name, reasonOf(error), 'What it means to refuse is an IctError of a table of its own.', error);
    }
    const fault = faultOf(error, refusal);
    if (fault === undefined) return error;
    return pluginFailure(plugin, name, `in the error ${error.code} that it throws (${reasonOf(error)}), ${fault}`, COMPARE, error);
  }

  /** Calls `giveUp` when what begins here cannot end any more, or does not end when it should. @returns what to call when it has ended. */
  private begin(giveUp: (error: Error) => void, plugin: PluginName, name: string, signal?: AbortSignal): () => void {
    const stuck = (): void => giveUp(unsettled(plugin, name));
    let timer: NodeJS.Timeout | undefined;
    const stop = (): void => {
      timer = setTimeout(() => giveUp(unstopped(plugin, name)), STOPPING_MS);
    };
    if (this.pending.size === 0) process.on('beforeExit', this.giveAllUp);
    this.pending.add(stuck);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop);
    return () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      this.pending.delete(stuck);
      if (this.pending.size === 0) process.off('beforeExit', this.giveAllUp);
    };
  }

  private readonly giveAllUp = (): void => {
    for (const giveUp of this.pending) giveUp();
  };

  /**
   * A stream whose failures are `attributed`, and which is given up as calls are. Archives have 60,000 packages: one more generator, or a call of
   * {@link attend} for each, would cost as much as reading them.
   */
  private throughout<T>(
    stream: AsyncIterable<T>,
    plugin: PluginName,
    name: string,
    attributed: (error: unknown) => unknown,
    signal?: AbortSignal,
  ): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => {
        const iterator = stream[Symbol.asyncIterator]();
        const element = ELEMENTS[name];
        let first = true;
        /** All that a stream yields comes from one place in it: the first element tells of the others, but for what is no object at all. */
        const faultIn = (value: unknown): string | undefined => {
          const looks = element !== undefined && (first || typeof value !== 'object' || value === null);
          first = false;
          return looks ? faultOf(value, element) : undefined;
        };
        let refuse: (error: unknown) => void = () => undefined;
        const end = this.begin((error) => refuse(error), plugin, name, signal);
        const next = (): Promise<IteratorResult<T>> =>
          new Promise((resolve, reject) => {
            refuse = reject;
            iterator.next().then(
              (result) => {
                const fault = result.done === true ? undefined : faultIn(result.value);
                if (result.done === true || fault !== undefined) end();
                if (fault === undefined) return resolve(result);
                reject(pluginFailure(plugin, name, `in what it yields, ${fault}`, COMPARE));
              },
              (error: unknown) => {
                end();
                reject(attributed(error));
              },
            );
          });
        const close = async (value: unknown): Promise<IteratorResult<T>> => {
          end();
          return iterator.return === undefined ? { done: true, value } : this.attend(iterator.return(value), plugin, name, signal);
        };
        return { next, return: close };
      },
    };
  }

  private call(work: () => unknown, args: readonly unknown[], plugin: PluginName, name: string): unknown {
    const signal = args.map(signalOf).find((one) => one !== undefined);
    const attributed = (error: unknown): unknown => this.attribute(error, signal, plugin, name);
    const checked = (answer: unknown): unknown => {
      const check = ANSWERS[name]?.(args);
      const fault = check && faultOf(answer, check);
      if (fault === undefined) return answer;
      throw pluginFailure(plugin, name, `in what it answers, ${fault}`, COMPARE);
    };
    let answer: unknown;
    try {
      answer = work();
    } catch (error) {
      throw attributed(error);
    }
    const rethrow = (error: unknown): never => {
      throw attributed(error);
    };
    if (answer instanceof Promise && !AT_ONCE.has(name)) return this.attend(answer, plugin, name, signal).then(checked, rethrow);
    return isStream(answer) ? this.throughout(answer, plugin, name, attributed, signal) : checked(answer);
  }
}

/** Advice for who answered or threw something of another shape. */
export const COMPARE = 'Compare it with the types of @ict/plugin-api.';

/** What tells a call to stop, in the context among its arguments. */
function signalOf(arg: unknown): AbortSignal | undefined {
  return typeof arg === 'object' && arg !== null && 'signal' in arg && arg.signal instanceof AbortSignal ? arg.signal : undefined;
}

/** A context whose events are checked where they come in; all else as it is. */
function hearing(arg: unknown, plugin: PluginName, name: string): unknown {
  if (signalOf(arg) === undefined || typeof (arg as Context).emit !== 'function') return arg;
  const ctx = arg as Context;
  const emit = (said: unknown): void => {
    const heard = hearEvent(said);
    if ('fault' in heard) throw pluginFailure(plugin, name, `in the event that it emits, ${heard.fault}`, COMPARE);
    ctx.emit(heard.event);
  };
  return { ...ctx, emit };
}

function unstopped(plugin: PluginName, name: string): Error {
  return pluginFailure(plugin, name, 'it goes on after it was told to stop', 'It has to end when `ctx.signal` is aborted.');
}

function unsettled(plugin: PluginName, name: string): Error {
  return pluginFailure(plugin, name, 'it waits for what never comes', 'A promise in it is never settled.');
}

/**
 * What is told of a plugin that did what it should not.
 *
 * @param call the function that did, such as `resolver.resolve`.
 */
export function pluginFailure({ name, version }: PluginName, call: string, why: string, advice: string, cause?: unknown): Error {
  return coreError('ICT_PLUGIN_FAILED', {
    message: `the plugin ${name} ${version} failed in ${call}: ${why}`,
    hint: `Report it to those who write the plugin. ${advice}`,
    facts: { plugin: name, version, call },
    cause,
  });
}
