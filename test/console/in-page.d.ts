export declare function findFaintTexts(): string[];
export declare function measureOverhang(): number;
export declare function watchLayoutShift(): void;
export declare function readLayoutShift(): { readonly sum: number; readonly what: readonly string[] };
export declare function hasFocus(selector: string): boolean;
export declare function timeInteraction(wanted: {
  readonly act: string;
  readonly on: string;
  readonly done: string;
}): Promise<number>;
