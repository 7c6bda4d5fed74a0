/** What is taken of the package @huggingface/tokenizers. */
export interface TextTokenizer {
  encode(
    text: string,
    options: { text_pair?: string | null; add_special_tokens?: boolean; return_token_type_ids?: boolean },
  ): { readonly ids: (number | null | undefined)[]; readonly tokens: string[]; readonly token_type_ids?: number[] };
  token_to_id(token: string): number | undefined;
}

/** What of a tokenizer.json is read here: the rest is the package's. */
export interface TokenizerFile {
  readonly truncation?: {
    readonly max_length: number;
    readonly strategy?: string;
    readonly direction?: string;
  } | null;
  readonly padding?: {
    readonly strategy: "BatchLongest" | { readonly Fixed: number };
    readonly direction?: string;
    readonly pad_to_multiple_of?: number | null;
    readonly pad_id: number;
    readonly pad_type_id?: number;
    readonly pad_token: string;
  } | null;
  readonly added_tokens?: readonly { readonly content: string; readonly special?: boolean }[];
  readonly model?: { readonly type?: string; readonly unk_token?: string | null };
  readonly pre_tokenizer?: unknown;
  readonly decoder?: unknown;
}
