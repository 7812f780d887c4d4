import type { Architecture, DistributionDefinition } from '@ict/plugin-api';

type Words = Readonly<Record<string, string>>;

/** Names that stand for something else while an initrd is made. */
const TAKEN: readonly string[] = ['kernelVersion', 'output'];

/** A definition as it is for one architecture: each `${NAME}` of its `byArchitecture` is replaced, in every text. */
export function ofArchitecture(definition: DistributionDefinition, arch: Architecture): DistributionDefinition {
  const { byArchitecture = {}, ...rest } = definition;
  return replaceWords(rest, byArchitecture[arch] ?? {});
}

/** Data with each `${NAME}` in a text that `words` has replaced; other names stay as they are. */
export function replaceWords<T>(data: T, words: Words): T {
  if (typeof data === 'string') {
    const text: string = data.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) =>
      Object.hasOwn(words, name) ? (words[name] ?? whole) : whole,
    );
    return text as T;
  }
  if (Array.isArray(data)) return data.map((item: unknown) => replaceWords(item, words)) as T;
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, replaceWords(value as unknown, words)])) as T;
}

/** What is wrong with the words of a definition: each architecture must have the same, and none may be taken. */
export function checkWords(
  architectures: readonly Architecture[],
  byArchitecture: Readonly<Partial<Record<Architecture, Words>>>,
): readonly { readonly path: readonly string[]; readonly message: string }[] {
  const found = Object.entries(byArchitecture);
  const names = new Set(found.flatMap(([, words]) => Object.keys(words)));
  const strange = found
    .filter(([arch]) => !architectures.some((one) => one === arch))
    .map(([arch]) => ({ path: ['byArchitecture', arch], message: `byArchitecture has ${arch}, which is not among the architectures` }));
  const missing = names.size === 0 ? [] : architectures.flatMap((arch) => absent(arch, byArchitecture[arch] ?? {}, names));
  const taken = found.flatMap(([arch, words]) =>
    TAKEN.filter((name) => Object.hasOwn(words, name)).map((name) => ({
      path: ['byArchitecture', arch, name],
      message: `the name ${name} stands for something else in "boot"`,
    })),
  );
  return [...strange, ...missing, ...taken];
}

function absent(arch: Architecture, words: Words, names: ReadonlySet<string>) {
  const left = [...names].filter((name) => !Object.hasOwn(words, name));
  return left.length === 0 ? [] : [{ path: ['byArchitecture', arch], message: `byArchitecture has no ${left.join(', ')} for ${arch}` }];
}
