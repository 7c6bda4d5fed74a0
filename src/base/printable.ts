/**
 * A text as a terminal, a page or a picture may get it. Names come from files, and in them control characters would
 * steer a terminal, and those that turn the direction of writing would show another text.
 */
export const printable = (text: string): string => text.replace(STEERING, "\ufffd");

/** Control characters, separators of lines, and what embeds or overrides a direction of writing. */
export const STEERING = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;
