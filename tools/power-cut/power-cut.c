/*
 * power-cut DEVICE_FOLDER MOUNTPOINT: a disk with a volatile cache, as a FUSE file system of one file.
 *
 *   MOUNTPOINT/disk      the disk: as large as DEVICE_FOLDER/stable, whose bytes are what survives a power cut
 *   MOUNTPOINT/control   written to: "cut SEED PERCENT": each cached sector is kept with PERCENT %, dropped otherwise;
 *                        one in four of the kept is torn: only its first bytes, to a multiple of 8, are new.
 *                        From then on nothing is written any more and every flush fails, as on a disk without power.
 *                        read: "written W flushed F cached C kept K dropped D torn T\n" (sectors; flushes)
 *
 * Writes go to a cache in RAM, 512-byte sectors apart, and reach the stable file when somebody flushes (FUSE fsync, which
 * is what a loop device makes of a block layer's flush). One thread (-s), so that no lock is needed.
 *
 * Build: cc -O2 -o power-cut power-cut.c $(pkg-config fuse3 --cflags --libs)
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define TORN_ONE_IN 4

static int stable = -1;
static off_t size;
static uint64_t sectors;
static unsigned char **cached; /* one entry a sector; NULL: as in the stable file */
static int is_cut;
static unsigned long written, flushed, dirty, kept, dropped, torn;

static uint64_t seed;
static uint32_t next_random(void) { /* xorshift64* */
  seed ^= seed >> 12, seed ^= seed << 25, seed ^= seed >> 27;
  return (uint32_t)((seed * 0x2545F4914F6CDD1DULL) >> 32);
}

static int store(uint64_t sector, const unsigned char *bytes, size_t count) {
  return pwrite(stable, bytes, count, (off_t)sector * SECTOR) == (ssize_t)count ? 0 : -EIO;
}

static int flush_all(void) {
  if (is_cut) return -EIO;
  for (uint64_t sector = 0; sector < sectors; sector++) {
    if (!cached[sector]) continue;
    if (store(sector, cached[sector], SECTOR)) return -EIO;
    free(cached[sector]);
    cached[sector] = NULL;
    dirty--;
  }
  flushed++;
  return 0;
}

static int cut(uint64_t with_seed, unsigned percent) {
  if (is_cut) return 0;
  is_cut = 1;
  seed = with_seed * 0x9E3779B97F4A7C15ULL + 1;
  for (uint64_t sector = 0; sector < sectors; sector++) {
    if (!cached[sector]) continue;
    if (next_random() % 100 >= percent) dropped++;
    else {
      size_t count = SECTOR;
      if (next_random() % TORN_ONE_IN == 0) torn++, count = 8 * (next_random() % (SECTOR / 8));
      if (count && store(sector, cached[sector], count)) return -EIO;
      kept++;
    }
    free(cached[sector]);
    cached[sector] = NULL;
    dirty--;
  }
  return 0;
}

static int is_disk(const char *path) { return strcmp(path, "/disk") == 0; }
static int is_control(const char *path) { return strcmp(path, "/control") == 0; }

static int on_getattr(const char *path, struct stat *st, struct fuse_file_info *fi) {
  (void)fi;
  memset(st, 0, sizeof *st);
  if (strcmp(path, "/") == 0) return st->st_mode = S_IFDIR | 0755, st->st_nlink = 2, 0;
  if (!is_disk(path) && !is_control(path)) return -ENOENT;
  st->st_mode = S_IFREG | 0600;
  st->st_nlink = 1;
  st->st_size = is_disk(path) ? size : 0;
  return 0;
}

static int on_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *fi,
                      enum fuse_readdir_flags flags) {
  (void)path, (void)offset, (void)fi, (void)flags;
  static const char *const names[] = {".", "..", "disk", "control"};
  for (size_t at = 0; at < 4; at++) fill(buffer, names[at], NULL, 0, 0);
  return 0;
}

static int on_open(const char *path, struct fuse_file_info *fi) {
  if (!is_disk(path) && !is_control(path)) return -ENOENT;
  /* The kernel's pages must not hide what this disk has forgotten. */
  fi->direct_io = 1;
  return 0;
}

static int on_read(const char *path, char *to, size_t count, off_t offset, struct fuse_file_info *fi) {
  (void)fi;
  if (is_control(path)) {
    char text[256];
    int length = snprintf(text, sizeof text, "written %lu flushed %lu cached %lu kept %lu dropped %lu torn %lu\n",
                          written, flushed, dirty, kept, dropped, torn);
    if (offset >= length) return 0;
    if (count > (size_t)(length - offset)) count = (size_t)(length - offset);
    memcpy(to, text + offset, count);
    return (int)count;
  }
  if (offset >= size) return 0;
  if ((off_t)count > size - offset) count = (size_t)(size - offset);
  ssize_t got = pread(stable, to, count, offset);
  if (got != (ssize_t)count) return -EIO;
  for (size_t done = 0; done < count;) {
    uint64_t sector = (uint64_t)(offset + (off_t)done) / SECTOR;
    size_t within = (size_t)((offset + (off_t)done) % SECTOR), part = SECTOR - within;
    if (part > count - done) part = count - done;
    if (cached[sector]) memcpy(to + done, cached[sector] + within, part);
    done += part;
  }
  return (int)count;
}

static int on_write(const char *path, const char *from, size_t count, off_t offset, struct fuse_file_info *fi) {
  (void)fi;
  if (is_control(path)) {
    char text[64] = {0};
    unsigned long long with_seed;
    unsigned percent;
    memcpy(text, from, count < sizeof text - 1 ? count : sizeof text - 1);
    if (sscanf(text, "cut %llu %u", &with_seed, &percent) != 2 || percent > 100) return -EINVAL;
    int failed = cut(with_seed, percent);
    return failed ? failed : (int)count;
  }
  if (is_cut) return -EIO;
  if (offset + (off_t)count > size) return -ENOSPC;
  for (size_t done = 0; done < count;) {
    uint64_t sector = (uint64_t)(offset + (off_t)done) / SECTOR;
    size_t within = (size_t)((offset + (off_t)done) % SECTOR), part = SECTOR - within;
    if (part > count - done) part = count - done;
    if (!cached[sector]) {
      unsigned char *bytes = malloc(SECTOR);
      if (!bytes || pread(stable, bytes, SECTOR, (off_t)sector * SECTOR) != SECTOR) return free(bytes), -EIO;
      cached[sector] = bytes;
      dirty++;
    }
    memcpy(cached[sector] + within, from + done, part);
    done += part;
    written++;
  }
  return (int)count;
}

static int on_fsync(const char *path, int data_only, struct fuse_file_info *fi) {
  (void)data_only, (void)fi;
  return is_disk(path) ? flush_all() : 0;
}

static int on_truncate(const char *path, off_t to, struct fuse_file_info *fi) {
  (void)to, (void)fi;
  /* A shell's ">" truncates the control file first. */
  return is_control(path) ? 0 : -EPERM;
}

static const struct fuse_operations operations = {
    .getattr = on_getattr, .readdir = on_readdir, .open = on_open,         .read = on_read,
    .write = on_write,     .fsync = on_fsync,     .truncate = on_truncate,
};

int main(int argc, char **argv) {
  if (argc != 3) return fprintf(stderr, "power-cut DEVICE_FOLDER MOUNTPOINT\n"), 64;
  char path[4096];
  snprintf(path, sizeof path, "%s/stable", argv[1]);
  struct stat st;
  stable = open(path, O_RDWR | O_CLOEXEC);
  if (stable < 0 || fstat(stable, &st) || st.st_size % SECTOR) return perror(path), 66;
  size = st.st_size;
  sectors = (uint64_t)size / SECTOR;
  cached = calloc(sectors, sizeof *cached);
  if (!cached) return perror("cache"), 71;
  char *const fuse_argv[] = {argv[0], argv[2], "-f", "-s", NULL};
  return fuse_main(4, (char **)fuse_argv, &operations, NULL);
}
