import { XmlReader } from './xml.js';
import type { XmlAttributes } from './xml-attributes.js';
import type { XmlHandler } from './xml.js';
import type { XmlText } from './xml-text.js';

/** How a package belongs to a group. */
export const PACKAGE_KINDS = ['mandatory', 'default', 'optional', 'conditional'] as const;

export type PackageKind = (typeof PACKAGE_KINDS)[number];

/** A package of a group. */
export interface GroupPackage {
  readonly name: string;
  readonly kind: PackageKind;
  /** Of any kind, as with dnf: it comes where something is there that has or provides this name; empty: always. */
  readonly requires: string;
  /** Comes in the architecture of the machine, and in no other, `noarch` included (`basearchonly`). */
  readonly isOfMachine: boolean;
}

/** A group of packages that can be asked for as `@id` or `@name`. */
export interface PackageGroup {
  readonly id: string;
  /** For people, without translation; may be empty. */
  readonly name: string;
  readonly packages: readonly GroupPackage[];
}

/** An environment, which brings groups, and can be asked for as they can. */
export interface Environment {
  readonly id: string;
  readonly name: string;
  /** Ids of its mandatory groups. */
  readonly groups: readonly string[];
}

/** What comps.xml has that can be asked for, by id. */
export interface Comps {
  readonly groups: ReadonlyMap<string, PackageGroup>;
  readonly environments: ReadonlyMap<string, Environment>;
}

/**
 * Joins what repositories have under the same ids. As with dnf, the last one that names a group says what it is called, and the last one that
 * has a package in it says how the package comes.
 *
 * @param all in the order of the repositories.
 */
export function joinComps(all: readonly Comps[]): Comps {
  const groups = new Map<string, PackageGroup>();
  const environments = new Map<string, Environment>();
  for (const comps of all) {
    for (const group of comps.groups.values()) addGroup(groups, group);
    for (const environment of comps.environments.values()) addEnvironment(environments, environment);
  }
  return { groups, environments };
}

function addGroup(groups: Map<string, PackageGroup>, { id, name, packages }: PackageGroup): void {
  const here = new Set(packages.map((each) => each.name));
  const known = groups.get(id);
  const before = (known?.packages ?? []).filter((each) => !here.has(each.name));
  groups.set(id, { id, name: name || (known?.name ?? ''), packages: [...before, ...packages] });
}

function addEnvironment(environments: Map<string, Environment>, { id, name, groups }: Environment): void {
  const known = environments.get(id);
  environments.set(id, { id, name: name || (known?.name ?? ''), groups: [...new Set([...(known?.groups ?? []), ...groups])] });
}

/** As libcomps reads it: what says nothing that is known is mandatory. */
function kindOf(type: string | undefined): PackageKind {
  return PACKAGE_KINDS.find((kind) => kind === type) ?? 'mandatory';
}

interface GroupDraft {
  id: string;
  name: string;
  readonly packages: GroupPackage[];
}

interface EnvironmentDraft {
  id: string;
  name: string;
  readonly groups: string[];
}

/**
 * Reads comps.xml, as dnf does: what one document has twice is joined as well. Names in other languages are passed over, and so are categories,
 * which nobody can ask for.
 */
export class CompsReader implements XmlHandler {
  readonly groups = new Map<string, PackageGroup>();
  readonly environments = new Map<string, Environment>();
  readonly #reader: XmlReader;
  #group: GroupDraft | undefined;
  #environment: EnvironmentDraft | undefined;
  #inOptions = false;
  #isTranslation = false;
  #package: Omit<GroupPackage, 'name'> | undefined;

  /** @param source names the document in messages. */
  constructor(source: string) {
    this.#reader = new XmlReader(this, source);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` */
  write(chunk: Buffer): void {
    this.#reader.write(chunk);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not complete. */
  finish(): Comps {
    this.#reader.end();
    return this;
  }

  open(name: string, attributes: XmlAttributes): boolean {
    if (name === 'group') this.#group = { id: '', name: '', packages: [] };
    if (name === 'environment') this.#environment = { id: '', name: '', groups: [] };
    if (name === 'grouplist' || name === 'optionlist') this.#inOptions = name === 'optionlist';
    if (name === 'name') this.#isTranslation = attributes.get('lang') !== undefined;
    if (name === 'packagereq') {
      this.#package = {
        kind: kindOf(attributes.get('type')),
        requires: attributes.get('requires') ?? '',
        isOfMachine: attributes.get('basearchonly') === 'true',
      };
    }
    return name === 'id' || name === 'name' || name === 'packagereq' || name === 'groupid';
  }

  close(name: string, text: XmlText): void {
    if (this.#group !== undefined) this.#closeInGroup(this.#group, name, text);
    else if (this.#environment !== undefined) this.#closeInEnvironment(this.#environment, name, text);
  }

  #closeInGroup(group: GroupDraft, name: string, text: XmlText): void {
    this.#nameDraft(group, name, text);
    if (name === 'packagereq' && this.#package !== undefined) group.packages.push({ name: text.trimmed(), ...this.#package });
    if (name === 'group') {
      addGroup(this.groups, group);
      this.#group = undefined;
    }
  }

  #closeInEnvironment(environment: EnvironmentDraft, name: string, text: XmlText): void {
    this.#nameDraft(environment, name, text);
    if (name === 'groupid' && !this.#inOptions) environment.groups.push(text.trimmed());
    if (name === 'environment') {
      addEnvironment(this.environments, environment);
      this.#environment = undefined;
    }
  }

  #nameDraft(draft: { id: string; name: string }, element: string, text: XmlText): void {
    if (element === 'id') draft.id = text.trimmed();
    if (element === 'name' && !this.#isTranslation) draft.name = text.trimmed();
  }
}
