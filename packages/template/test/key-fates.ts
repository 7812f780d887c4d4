/** What becomes of a key of the template language. */
export interface Fate {
  /** A value that is not the one that counts anyway. Absent: a key about templates, which never reaches the engine. */
  readonly value?: unknown;
  /** Where `ImageSpec` has it, such as `system.users.0.home`. */
  readonly at?: string;
  /** What is there then. Absent: the value itself. */
  readonly is?: unknown;
  /** Source below `packages` that reads it there. Absent: nobody does; then it is reported, or for people. */
  readonly by?: string;
  /** Code of the report that names it. */
  readonly said?: string;
  /** Keys beside it that make it mean something. */
  readonly beside?: Readonly<Record<string, unknown>>;
  /** Key beside it that excludes it. */
  readonly without?: string;
  /** Free text that shapes no image. */
  readonly forPeople?: true;
}

/** The engine or a format reads it. */
export const carried = (at: string, value: unknown, by: string, is: unknown = value): Fate => ({ at, value, is, by });

/** The engine gets it, and says that it cannot do it. */
export const notYet = (at: string, value: unknown, is: unknown = value): Fate => ({ at, value, is, said: 'ICT_UNSUPPORTED_YET' });

/** Means nothing for the image at hand, and a warning says so. */
export const noEffect = (value: unknown, at?: string): Fate => ({
  value,
  said: 'ICT_TEMPLATE_NO_EFFECT',
  ...(at === undefined ? {} : { at, is: value }),
});

/** Words that describe the image or a part of it. */
export const forPeople = (at: string, value: unknown): Fate => ({ at, value, is: value, forPeople: true });

/** Says how templates are put together. */
export const ofTemplates: Fate = {};
