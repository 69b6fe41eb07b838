"""How much may be given at once, and how much work it may make. Everything here is a number that somebody chose."""

MB, GB = 1 << 20, 1 << 30

# What is given.
MAX_FILES = 250_000  # images, and members of an archive; CelebA has 202,599
MAX_GIVEN = 8 * GB  # bytes of all files together, before anything is unpacked
MAX_IMAGE_FILE = 64 * MB  # bytes of one image as a file
MAX_TABLE_FILE = 512 * MB  # bytes of one table, unpacked
MAX_NAME = 255  # characters of a file's name that are kept
MAX_DEPTH = 16  # folders above a file

# What it unpacks to.
MAX_PIXELS = 25_000_000  # of one image
MAX_CHANNELS = 8
MAX_UNPACKED = 8 * GB  # all members of an archive together
MAX_ARRAY = 2 * GB  # bytes of one array
MAX_RATIO = 200  # times that something may grow when it is unpacked ...
RATIO_FROM = 32 * MB  # ... if it is larger than this; a small file of one colour may well shrink a thousandfold

# Tables.
MAX_ROWS = 1_000_000
MAX_COLUMNS = 4_096  # of a table beside images; vectors may have more numbers
MAX_VECTOR = 65_536  # numbers of one vector: as many as a network here takes
MAX_CELL = 2_000  # characters

# What is kept.
MAX_CLASSES = 1_000
MAX_ATTRIBUTES = 128
KINDS = 12  # of a column that becomes one yes or no each without being asked ...
MAX_KINDS = 50  # ... and where somebody asks for it
MAX_LISTED = 200  # files whose leaving-out is said one by one
PREVIEWS = 24

# The process that reads.
LOOK_SECONDS = 8.0  # after which a preview rests on what was seen so far
LOOK_WALL, TAKE_WALL = 60.0, 3600.0  # seconds on the clock
LOOK_CPU, TAKE_CPU = 60, 3600  # seconds of work
ADDRESS_SPACE = 6 * GB  # of the process: twice the largest array, and the libraries
OPEN_FILES = 256
WRITTEN = 3 * GB  # bytes of one file
