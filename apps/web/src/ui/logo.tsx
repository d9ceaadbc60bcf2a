/** The sign of the console; its name stands beside it, or is given for where it does not. */
export const Logo = ({ size, name = "" }: { size: number; name?: string }) => (
  <img src="/icon.svg" alt={name} width={size} height={size} />
);
