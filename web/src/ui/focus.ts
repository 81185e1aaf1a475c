/** As a `ref`: puts the cursor into a field when it appears, for boxes that a person opened to type. */
export function focusOnMount(element: HTMLInputElement | null): void {
  element?.focus({ preventScroll: true });
}
