import { IctError, isIctError } from '@ict/plugin-api';

/** Goes on where --offline forbids a download, and tells in the end of all that is absent: one run with a network brings everything. */
export class AbsentFiles {
  readonly #failures: IctError[] = [];
  #count = 0;

  /**
   * Waits for what may lack files.
   *
   * @param work is told of in the order in which it was handed over.
   * @returns undefined when it lacks some.
   * @throws any other failure of it.
   */
  async without<T>(work: Promise<T>): Promise<T | undefined> {
    const place = this.#count++;
    try {
      return await work;
    } catch (error) {
      if (!isAbsence(error)) throw error;
      this.#failures[place] = error;
      return undefined;
    }
  }

  /** Whether nothing is absent so far. */
  get isNone(): boolean {
    return this.#failures.length === 0;
  }

  /** @throws when something is absent: the failure, or one that has them all as problems. */
  refuse(): void {
    const [first, ...others] = Object.values(this.#failures);
    if (first !== undefined) throw others.length === 0 ? first : together([first, ...others]);
  }
}

/** The failure of a download that --offline forbids, with what the file is called: an address by content says nothing. Any other stays as it is. */
export function nameAbsent(error: unknown, file: string): unknown {
  if (!isAbsence(error)) return error;
  return new IctError(error.code, error.kind, {
    ...error,
    message: `${file} is not in the cache, and --offline forbids to fetch it`,
    facts: { ...error.facts, file },
    cause: error,
  });
}

function isAbsence(error: unknown): error is IctError {
  return isIctError(error) && error.kind === 'offline';
}

function together(failures: readonly [IctError, ...IctError[]]): IctError {
  const { code, kind, hint } = failures[0];
  const problems = failures.flatMap((failure) =>
    failure.problems.length > 0 ? failure.problems : [{ code: failure.code, message: nameOf(failure), severity: 'error' as const }],
  );
  return new IctError(code, kind, {
    message: `${problems.length} files are not in the cache, and --offline forbids to fetch them`,
    ...(hint === undefined ? {} : { hint }),
    facts: { urls: failures.flatMap(({ facts }) => facts['urls'] ?? [facts['url']]) },
    problems,
  });
}

function nameOf({ facts, message }: IctError): string {
  return String(facts['file'] ?? facts['url'] ?? message);
}
